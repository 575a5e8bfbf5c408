import Testing
import Wire

@testable import Access

@Suite struct ThrottleTests {
    private let throttle = Throttle()

    /// How many of `attempts` at once, all wrong, pass.
    private func admitted(_ counts: inout FailureCounts, attempts: Int, now: Int64) -> Int {
        (0..<attempts).count { _ in throttle.admit(&counts, now: now) == .allow }
    }

    @Test("rule 35: five wrong passwords for an account from an address, then a wait that doubles to a quarter of an hour")
    func pair() {
        var counts = FailureCounts()
        #expect(admitted(&counts, attempts: 1000, now: noon) == 5)
        var now = noon
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
            // Strangers from elsewhere are not this test's matter.
            counts.account = .none
            counts.address = .none
            #expect(throttle.admit(&counts, now: now) == .wait(seconds: expected))
            now += Int64(expected) * 1000
            #expect(throttle.admit(&counts, now: now - 1) == .wait(seconds: 1))
            #expect(throttle.admit(&counts, now: now) == .allow)
        }
    }

    @Test("rule 35: thirty wrong passwords from one address, whoever they are for")
    func address() {
        var address = FailureCount.none
        var passed = 0
        for _ in 0..<100 {
            var counts = FailureCounts(address: address)
            if throttle.admit(&counts, now: noon) == .allow { passed += 1 }
            address = counts.address
        }
        #expect(passed == 30)
    }

    @Test("rule 35: the hundredth failure in a row of strangers on an account takes more than twenty hours; 96 a day follow")
    func account() {
        var account = FailureCount.none
        var now = noon
        func attemptFromANewAddress() -> Throttle.Verdict {
            var counts = FailureCounts(account: account)
            defer { account = counts.account }
            return throttle.admit(&counts, now: now)
        }
        func failures(_ count: Int) {
            var left = count
            while left > 0 {
                switch attemptFromANewAddress() {
                case .allow: left -= 1
                case .wait(let seconds): now += Int64(seconds) * 1000
                }
            }
        }
        failures(10)
        #expect(now == noon)
        failures(90)
        #expect(now - noon == 73_023_000)
        failures(96)
        #expect(now - noon == 73_023_000 + 86_400_000)
    }

    @Test("rule 35: strangers do not lock the owner out at an address that the owner has signed in from")
    func owner() {
        var counts = FailureCounts()
        #expect(throttle.admit(&counts, now: noon) == .allow)
        throttle.succeed(&counts, remembers: true, now: noon)
        counts.account = FailureCount(failures: 1_000_000, lastFailureAt: noon, lastSuccessAt: 0)
        #expect(throttle.admit(&counts, now: noon) == .allow)
        // The owner's own typing errors are not the account's, and stay held by the pair.
        #expect(counts.account.failures == 1_000_000)
        #expect(admitted(&counts, attempts: 100, now: noon) == 4)

        // Ninety days later, and at a new address, the owner is a stranger too, and waits like one.
        counts.pair.failures = 0
        counts.account.lastFailureAt = noon + throttle.knownFor
        #expect(throttle.admit(&counts, now: noon + throttle.knownFor) == .wait(seconds: 900))
        var elsewhere = FailureCounts(account: counts.account)
        #expect(throttle.admit(&elsewhere, now: noon + throttle.knownFor) == .wait(seconds: 900))
        #expect(throttle.admit(&elsewhere, now: noon + throttle.knownFor + 900_000) == .allow)
    }

    @Test("rule 35: an attempt counts before its password is looked at, so parallel ones all count")
    func countedFirst() {
        var counts = FailureCounts()
        #expect(throttle.admit(&counts, now: noon) == .allow)
        #expect(counts.pair.failures == 1 && counts.address.failures == 1 && counts.account.failures == 1)
    }

    @Test("a waiting attempt is not counted, and does not lengthen the wait")
    func impatience() {
        var counts = FailureCounts()
        _ = admitted(&counts, attempts: 5, now: noon)
        let before = counts
        _ = admitted(&counts, attempts: 100, now: noon + 500)
        #expect(counts == before)
        #expect(throttle.admit(&counts, now: noon + 1000) == .allow)
    }

    @Test("a success clears the pair, and gives the other two only its own attempt back")
    func success() {
        var counts = FailureCounts()
        _ = admitted(&counts, attempts: 4, now: noon)
        #expect(throttle.admit(&counts, now: noon + 1) == .allow)
        throttle.succeed(&counts, remembers: true, now: noon + 1)
        #expect(counts.pair == FailureCount(failures: 0, lastFailureAt: 0, lastSuccessAt: noon + 1))
        #expect(counts.address.failures == 4 && counts.account.failures == 4)
    }

    @Test func first() {
        var counts = FailureCounts()
        #expect(throttle.admit(&counts, now: noon) == .allow)
        throttle.succeed(&counts, remembers: true, now: noon)
        #expect(counts.address == .none && counts.account == .none)
    }

    @Test("an attempt that could not be checked is taken back whole", arguments: [false, true])
    func withdrawn(isKnown: Bool) {
        let pair = FailureCount(failures: 2, lastFailureAt: noon, lastSuccessAt: isKnown ? noon : 0)
        var counts = FailureCounts(
            pair: pair, address: FailureCount(failures: 3, lastFailureAt: noon, lastSuccessAt: 0),
            account: FailureCount(failures: 4, lastFailureAt: noon, lastSuccessAt: 0))
        let before = counts
        #expect(throttle.admit(&counts, now: noon) == .allow)
        #expect(counts != before)
        throttle.withdraw(&counts, now: noon)
        #expect(counts == before)
    }

    @Test("rule 35: nothing is locked for good: whatever the table says, a day without failures begins anew")
    func forgotten() {
        let worst = FailureCount(failures: .max, lastFailureAt: noon, lastSuccessAt: 0)
        var counts = FailureCounts(pair: worst, address: worst, account: worst)
        #expect(throttle.admit(&counts, now: noon) == .wait(seconds: 900))
        #expect(throttle.admit(&counts, now: noon + throttle.forgetAfter) == .allow)
        #expect(counts.pair.failures == 1)
    }

    @Test(
        "no wait is longer than a quarter of an hour, whatever the clock or the table says",
        arguments: [
            (Int64.max, noon), (20, Int64.max), (20, noon + 3_600_000), (Int64.max, Int64.max), (30, noon),
        ] as [(Int64, Int64)])
    func odd(failures: Int64, last: Int64) {
        let count = FailureCount(failures: failures, lastFailureAt: last, lastSuccessAt: 0)
        var counts = FailureCounts(pair: count, address: count, account: count)
        #expect(throttle.admit(&counts, now: noon) == .wait(seconds: 900))
    }

    @Test func negative() {
        let count = FailureCount(failures: .min, lastFailureAt: .min, lastSuccessAt: .min)
        var counts = FailureCounts(pair: count, address: count, account: count)
        #expect(throttle.admit(&counts, now: noon) == .allow)
        throttle.withdraw(&counts, now: noon)
        throttle.succeed(&counts, remembers: true, now: noon)
        #expect(counts.pair.failures == 0)
        var uncounted = FailureCounts(pair: count, address: count, account: count)
        throttle.withdraw(&uncounted, now: noon)
        #expect(uncounted.pair.failures == 0 && uncounted.address.failures == 0)
    }

    @Test("the numbers may be set, and none of them makes a wait overflow")
    func settings() {
        let own = Throttle.BackOff(free: 2, first: 500, cap: 2000)
        #expect((0...6).map { own.delay(after: $0) } == [0, 0, 500, 1000, 2000, 2000, 2000])
        let longest = Throttle.BackOff(free: .min, first: .max, cap: .max)
        #expect(longest.delay(after: 0) == 3_600_000 && longest.delay(after: .max) > longest.delay(after: 19))
        #expect(throttle.oldest(at: noon) == noon - throttle.knownFor)
    }

    // MARK: Keys

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(bytes(text))) }

    @Test("rule 35: an address is a /32, or a /64 whose other half anybody changes at will")
    func networks() throws {
        let name = try UserName("alice")
        func keys(_ text: String) throws -> ThrottleKeys { ThrottleKeys(name: name, address: try address(text)) }
        #expect(try keys("2001:db8:1:2::1") == keys("2001:db8:1:2:ffff::9"))
        #expect(try keys("2001:db8:1:2::1").address != keys("2001:db8:1:3::1").address)
        #expect(try keys("192.0.2.1").address != keys("192.0.2.2").address)
        #expect(try keys("192.0.2.1").pair != keys("192.0.2.2").pair)
        #expect(try keys("192.0.2.1").account == keys("2001:db8::1").account)
        #expect(try keys("192.0.2.1") == keys("::ffff:192.0.2.1"))
    }

    @Test("rule 35: the keys are those of the canonical name, and no name or address can be read from them")
    func names() throws {
        let address = try address("192.0.2.1")
        let alice = ThrottleKeys(name: try UserName("alice"), address: address)
        let other = ThrottleKeys(name: try UserName("Alice"), address: address)
        #expect(alice.pair != other.pair && alice.account != other.account && alice.address == other.address)
        #expect(Set([alice.pair, alice.account, alice.address]).count == 3)
        #expect(alice.account.text.utf8.count == 43 && !alice.account.text.contains("alice"))
    }

    @Test("rule 33: lengths stand in front of the values, so that no name and address run into each other")
    func lengths() throws {
        // "a" + 62 c0 00 02 and "ab" + c0 00 02 would be the same octets.
        let one = ThrottleKeys(name: try UserName("a"), network: [0x62, 0xC0, 0, 2])
        let two = ThrottleKeys(name: try UserName("ab"), network: [0xC0, 0, 2])
        #expect(one.pair != two.pair)
    }
}
