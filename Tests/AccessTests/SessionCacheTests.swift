import Access
import Testing

/// When what a worker keeps of its store's answers counts, and when not.
struct SessionCacheTests {
    private let noon: Int64 = 1_800_000_000_000
    private let reach = SessionCache.reach

    /// One session, kept at monotonic time `start` by a cache whose store has vouched for it.
    private final class Bench {
        let versions = SessionVersions()
        var questions = 0
        private(set) var cache: SessionCache!
        var session: SessionRecord
        let identity: Identity
        static let start: UInt64 = 5_000_000_000

        init(noon: Int64) throws {
            let id = try SessionID.random()
            session = SessionRecord(
                key: id.key, userID: try UserID("101"), username: Array("alice".utf8), role: Array("user".utf8), createdAt: noon,
                lastSeenAt: noon, expiresAt: noon + 3_600_000, idleTimeout: 1_800_000)
            identity = try Identity(session: session)
            cache = SessionCache(capacity: 16, versions: versions) { [unowned self] in questions += 1 }
        }

        func fill(at wallClock: Int64) throws {
            cache.vouch(from: Self.start)
            guard case .unknown(let ticket?) = cache.find(session.key, now: Self.start, wallClock: wallClock) else {
                throw TestFailure("there is no ticket")
            }
            cache.keep(session, as: identity, ticket)
        }

        func knows(at now: UInt64 = start, wallClock: Int64) -> Bool {
            if case .known(let found, _) = cache.find(session.key, now: now, wallClock: wallClock) { found == identity } else { false }
        }
    }

    struct TestFailure: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }

    @Test("What was kept is found, for as long as the store's word reaches and no longer")
    func reaches() throws {
        let bench = try Bench(noon: noon)
        #expect(!bench.knows(wallClock: noon))
        try bench.fill(at: noon)
        #expect(bench.knows(at: Bench.start + reach - 1, wallClock: noon))
        #expect(!bench.knows(at: Bench.start + reach, wallClock: noon))
        bench.cache.vouch(from: Bench.start + reach)
        #expect(bench.knows(at: Bench.start + reach, wallClock: noon))
        // A word that was asked for earlier and comes later takes nothing away.
        bench.cache.vouch(from: Bench.start)
        #expect(bench.knows(at: Bench.start + reach, wallClock: noon))
    }

    @Test("rule 43: nothing is kept while the store has not given its word")
    func noTicket() throws {
        let bench = try Bench(noon: noon)
        guard case .unknown(let ticket) = bench.cache.find(bench.session.key, now: Bench.start, wallClock: noon) else {
            throw TestFailure("it is known")
        }
        #expect(ticket == nil)
    }

    @Test("rule 43: a session that may have changed is looked up, one or all of them")
    func raised() throws {
        let bench = try Bench(noon: noon)
        try bench.fill(at: noon)
        bench.versions.raise(bench.session.key)
        #expect(!bench.knows(wallClock: noon))
        try bench.fill(at: noon)
        #expect(bench.knows(wallClock: noon))
        bench.versions.raiseAll()
        #expect(!bench.knows(wallClock: noon))
    }

    @Test("rule 43: an answer that was overtaken by a change is not kept", arguments: [0, 1, 2])
    func overtaken(_ change: Int) throws {
        let bench = try Bench(noon: noon)
        bench.cache.vouch(from: Bench.start)
        guard case .unknown(let ticket?) = bench.cache.find(bench.session.key, now: Bench.start, wallClock: noon) else {
            throw TestFailure("there is no ticket")
        }
        switch change {
        case 0: bench.versions.raise(bench.session.key)
        case 1: bench.versions.raiseAll()
        default:
            bench.cache.distrust()
            bench.cache.vouch(from: Bench.start)
        }
        bench.cache.keep(bench.session, as: bench.identity, ticket)
        #expect(!bench.knows(wallClock: noon))
    }

    @Test("rule 43: after a break nothing counts that was kept before it")
    func distrusted() throws {
        let bench = try Bench(noon: noon)
        try bench.fill(at: noon)
        bench.cache.distrust()
        #expect(!bench.knows(wallClock: noon))
        bench.cache.vouch(from: Bench.start)
        #expect(!bench.knows(wallClock: noon))
    }

    @Test("A session that is idle or over by the clock is asked for")
    func ends() throws {
        let bench = try Bench(noon: noon)
        try bench.fill(at: noon)
        #expect(bench.knows(wallClock: noon + 1_799_999))
        #expect(!bench.knows(wallClock: noon + 1_800_000))
        bench.session.idleTimeout = 0
        bench.versions.raise(bench.session.key)
        try bench.fill(at: noon)
        #expect(bench.knows(wallClock: noon + 3_599_999))
        #expect(!bench.knows(wallClock: noon + 3_600_000))
    }

    @Test("Use is to be written once a minute, by one of those who see it")
    func touches() throws {
        let bench = try Bench(noon: noon)
        try bench.fill(at: noon)
        func isDue(_ wallClock: Int64) -> Bool? {
            if case .known(_, let isDue) = bench.cache.find(bench.session.key, now: Bench.start, wallClock: wallClock) { isDue } else { nil }
        }
        #expect(isDue(noon + 60_000) == false)
        #expect(isDue(noon + 60_001) == true)
        bench.cache.noteUse(of: bench.session.key, at: noon + 60_001)
        #expect(isDue(noon + 60_001) == false)
        // And it is live for longer by it.
        #expect(bench.knows(wallClock: noon + 60_001 + 1_799_999))
    }

    @Test("The store is asked for its word when requests come, every 40 ms at most")
    func asks() throws {
        let bench = try Bench(noon: noon)
        for millisecond in 0..<100 as Range<UInt64> {
            _ = bench.cache.find(bench.session.key, now: Bench.start + millisecond * 1_000_000, wallClock: noon)
        }
        #expect(bench.questions == 3)
    }

    @Test("It holds no more sessions than it was told, and never gives one's identity to another")
    func bounded() throws {
        let bench = try Bench(noon: noon)
        bench.cache.vouch(from: Bench.start)
        var sessions: [SessionRecord] = []
        for number in 0..<200 {
            var session = bench.session
            session.key = try SessionID.random().key
            session.userID = try UserID("\(number)")
            sessions.append(session)
            guard case .unknown(let ticket?) = bench.cache.find(session.key, now: Bench.start, wallClock: noon) else { continue }
            bench.cache.keep(session, as: try Identity(session: session), ticket)
        }
        var known = 0
        for session in sessions {
            if case .known(let identity, _) = bench.cache.find(session.key, now: Bench.start, wallClock: noon) {
                known += 1
                #expect(identity.userID == session.userID)
            }
        }
        #expect(known > 0 && known <= 16)
    }
}
