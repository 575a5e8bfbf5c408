import Testing

@testable import Gateway

/// rule 56: every state has a deadline for the whole, moved here by hand. A second is 1000 ms; the time-out is 10 s at 100 octets a second.
@Suite("Patience")
struct PatienceTests {
    private static let second: UInt64 = 1_000_000_000

    @Test("A peer that does nothing is cut after the time-out, no earlier")
    func stalled() {
        var patience = Patience(milliseconds: 10_000, minimumRate: 100)
        #expect(patience.wait(from: 5 * Self.second) == 15 * Self.second)
        #expect(patience.wait(from: 9 * Self.second) == 15 * Self.second)
        #expect(!patience.isExhausted(at: 15 * Self.second - 1))
        #expect(patience.isExhausted(at: 15 * Self.second))
    }

    @Test("rule 56: one that drips is cut although it never stalls", arguments: [(1, 11), (50, 21), (99, 1_001)])
    func drips(_ octetsASecond: Int, _ latest: Int) {
        var patience = Patience(milliseconds: 10_000, minimumRate: 100)
        var now: UInt64 = 0
        while !patience.isExhausted(at: now), now < 10_000 * Self.second {
            _ = patience.wait(from: now)
            now += Self.second
            if patience.isExhausted(at: now) { break }
            patience.credit(octetsASecond, at: now)
        }
        #expect(now >= 10 * Self.second)
        #expect(now <= UInt64(latest) * Self.second)
    }

    @Test("One at or above the rate is never cut, and saves up no more than the time-out", arguments: [100, 1_000_000_000])
    func steady(_ octetsASecond: Int) {
        var patience = Patience(milliseconds: 10_000, minimumRate: 100)
        var now: UInt64 = 0
        for _ in 0..<10_000 {
            _ = patience.wait(from: now)
            now += Self.second
            #expect(!patience.isExhausted(at: now))
            patience.credit(octetsASecond, at: now)
        }
        #expect(patience.wait(from: now) <= now + 10 * Self.second)
    }

    @Test("Time in which the other side is waited for does not count")
    func blockedByTheOther() {
        var patience = Patience(milliseconds: 10_000, minimumRate: 100)
        var now: UInt64 = 0
        for _ in 0..<1_000 {
            _ = patience.wait(from: now)
            now += 1_000_000
            patience.pause(at: now)
            #expect(!patience.isExhausted(at: now + 3_600 * Self.second))
            now += 3_600 * Self.second
            patience.credit(1, at: now)
        }
        #expect(patience.wait(from: now) - now > 9 * Self.second)
    }

    @Test("Without a rate any octet renews the whole time-out, and no octets renew nothing")
    func noRate() {
        var patience = Patience(milliseconds: 10_000, minimumRate: 0)
        _ = patience.wait(from: 0)
        patience.credit(0, at: 9 * Self.second)
        #expect(patience.wait(from: 9 * Self.second) == 10 * Self.second)
        patience.credit(1, at: 9 * Self.second)
        #expect(patience.wait(from: 9 * Self.second) == 19 * Self.second)
    }

    @Test("No clock and no count makes it trap")
    func extremes() {
        var patience = Patience(milliseconds: .max, minimumRate: 1)
        #expect(patience.wait(from: .max - 1) == .max)
        patience.credit(.max, at: .max)
        patience.credit(.max, at: 0)
        #expect(!patience.isExhausted(at: 0))
        var none = Patience(milliseconds: -5, minimumRate: .max)
        #expect(none.wait(from: 7) == 7)
        none.credit(1, at: 3)
        #expect(none.isExhausted(at: 7))
    }
}
