import Access
import Stores
import Testing
import Wire

/// What the counts of failed sign-ins do, in every database.
@Suite("Throttle store contract")
struct ThrottleStoreContractTests {
    private let now = SessionRecord.start

    private static func keys(_ name: String, _ address: String) throws -> ThrottleKeys {
        let address = try #require(IPAddress(Array(address.utf8)))
        return try ThrottleKeys(name: UserName(name), address: address)
    }

    @Test("rule 35: the counts of failed sign-ins survive a restart", arguments: DatabaseKind.allCases)
    func survive(kind: DatabaseKind) async throws {
        let keys = try Self.keys("alice", "192.0.2.1")
        let stranger = try Self.keys("alice", "192.0.2.2")
        let counted = FailureCounts(
            pair: FailureCount(failures: 3, lastFailureAt: now, lastSuccessAt: 5),
            address: FailureCount(failures: 9, lastFailureAt: now - 1, lastSuccessAt: 0),
            account: FailureCount(failures: 1, lastFailureAt: now - 2, lastSuccessAt: 0))
        let fixture = try UsersFixture(kind)
        let before = try await fixture.run { store, _ in
            try await store.update(keys) { counts in
                defer { counts = counted }
                return counts
            }
        }
        #expect(before == FailureCounts())
        let (own, others) = try await fixture.reopened().run { store, _ in
            (try await store.update(keys) { $0 }, try await store.update(stranger) { $0 })
        }
        #expect(own == counted)
        #expect(others == FailureCounts(account: counted.account))
    }

    @Test("rule 35: a count that is cleared leaves no row, and old ones are purged", arguments: DatabaseKind.allCases)
    func cleared(kind: DatabaseKind) async throws {
        let keys = try Self.keys("alice", "192.0.2.1")
        let fixture = try UsersFixture(kind)
        func rows() throws -> [String] { try fixture.raw("SELECT CAST(count(*) AS TEXT) FROM login_failures") }
        try await fixture.run { store, _ in
            try await store.update(keys) { counts in
                counts.pair.failures = 1
                counts.pair.lastFailureAt = 1_000
                counts.address.failures = 2
                counts.address.lastFailureAt = 5_000
                counts.account.failures = 3
                counts.account.lastSuccessAt = 1_000
            }
        }
        #expect(try rows() == ["3"])
        let early = try await fixture.run { store, _ in
            try await store.update(keys) { $0.pair = .none }
            return try await store.purgeFailures(before: 1_000)
        }
        #expect(early == 0)
        #expect(try rows() == ["2"])
        let late = try await fixture.run { store, _ in try await store.purgeFailures(before: 5_000) }
        #expect(late == 1)
        #expect(try rows() == ["1"])
    }

    @Test("rule 35: parallel attempts are all counted", arguments: DatabaseKind.allCases)
    func together(kind: DatabaseKind) async throws {
        let keys = try Self.keys("alice", "2001:db8::1")
        let counts = try await UsersFixture(kind).run { store, worker in
            let tasks = (0..<200).map { _ in
                worker.start { store, _ in
                    guard let store = store as? any ThrottleStore else { throw TestFailure("it counts nothing") }
                    return try await store.update(keys) { counts in
                        counts.account.failures += 1
                        counts.account.lastFailureAt = 1
                        return counts.account.failures
                    }
                }
            }
            var seen: Set<Int64> = []
            for task in tasks { seen.insert(try await task.value) }
            return seen
        }
        #expect(counts == Set(1...200))
    }
}
