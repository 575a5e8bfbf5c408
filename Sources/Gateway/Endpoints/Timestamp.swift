import Wire

/// Moments in our answers: RFC 3339 in UTC, to the second, such as `2026-01-31T23:59:59Z`.
enum Timestamp {
    /// Appends the moment `milliseconds` after 1970, rounded down. The year has four digits: what lies outside of 1970 to 9999 is
    /// brought to the nearer end, since it comes from a store or a token.
    static func append(milliseconds: Int64, to out: Buffer) {
        let seconds = min(max(milliseconds, 0) / 1000, 253_402_300_799)
        let (year, month, day) = civil(day: Int(seconds / 86_400))
        let second = Int(seconds % 86_400)
        append(year, digits: 4, to: out)
        out.append(UInt8(ascii: "-"))
        append(month, digits: 2, to: out)
        out.append(UInt8(ascii: "-"))
        append(day, digits: 2, to: out)
        out.append(UInt8(ascii: "T"))
        append(second / 3600, digits: 2, to: out)
        out.append(UInt8(ascii: ":"))
        append(second / 60 % 60, digits: 2, to: out)
        out.append(UInt8(ascii: ":"))
        append(second % 60, digits: 2, to: out)
        out.append(UInt8(ascii: "Z"))
    }

    /// The Gregorian date `day` days after 1970-01-01: 400 years at a time, which have 146097 days, then year by year.
    private static func civil(day: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + day / 146_097 * 400
        var rest = day % 146_097
        while rest >= length(ofYear: year) {
            rest -= length(ofYear: year)
            year += 1
        }
        var month = 1
        while rest >= length(ofMonth: month, year) {
            rest -= length(ofMonth: month, year)
            month += 1
        }
        return (year, month, rest + 1)
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func length(ofYear year: Int) -> Int { isLeap(year) ? 366 : 365 }

    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func append(_ value: Int, digits: Int, to out: Buffer) {
        var divisor = digits == 4 ? 1000 : 10
        while divisor > 0 {
            out.append(0x30 + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
