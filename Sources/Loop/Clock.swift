import Glibc

/// The operating system's clocks (clock_gettime(2)).
package enum Clock {
    /// Nanoseconds of CLOCK_MONOTONIC: for every time-out, so that a jump of the wall clock moves none.
    package static func monotonic() -> UInt64 {
        let time = read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Milliseconds since 1970 of CLOCK_REALTIME: for expiry times and logs.
    package static func wall() -> Int64 {
        let time = read(CLOCK_REALTIME)
        return Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return time
    }
}

extension UInt64 {
    /// `milliseconds` in nanoseconds.
    package static func nanoseconds(milliseconds: Int64) -> UInt64 { UInt64(Swift.max(0, milliseconds)) &* 1_000_000 }

    /// This monotonic time `milliseconds` later; a negative span counts as none, and no time overflows.
    package func adding(milliseconds: Int64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(UInt64.nanoseconds(milliseconds: milliseconds))
        return overflow ? .max : sum
    }
}
