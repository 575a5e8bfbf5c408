package import Access
package import Loop

/// Sessions in Redis 6.2 or newer, one string value each, which expires by itself.
///
/// | key | value | expires |
/// | --- | --- | --- |
/// | `gatehouse:session:<key text>` | the record's versioned encoding | when the session ends, idle or absolutely |
/// | `gatehouse:user:<user id>:sessions` | sorted set of key texts, scored by the absolute end | with its last member |
///
/// A session and its place in the index are written in one transaction, so that a user's sessions can all be found and
/// ended. What expires by itself leaves a member behind, which goes when the list is next read or added to.
///
/// Redis replicates later than it answers: a failover can forget the last sign-ins, and the last sign-outs. What it
/// brings back lives no longer than the absolute end, which stands in the record itself.
///
/// On a cluster the two keys belong to different masters and no transaction spans them. There the session is written first
/// and its place in the index second, and only then is the sign-in acknowledged: whatever fails in between leaves at most a
/// session whose id nobody was told, and a member of the index always had its session before. Ending goes the other way
/// round, the session first and its place second. So no acknowledged session is missing from the index, unless the failover
/// of one master has forgotten the member and not the session; the next touch of the session puts it back.
package final class RedisSessionStore {
    /// Members of an index that are looked at in one step: their values stay far below the bound on replies.
    private static let page = 200
    /// A user's sessions that are listed, at most.
    private static let maximumListed = 1_000
    /// Sessions of all users that are read for a list, and keys of any kind that are passed over, at most.
    private static let maximumScanned = 10_000
    private static let maximumScans = 1_000

    private let servers: RedisServers
    private let timeouts: RedisTimeouts
    package let cache: SessionCache?
    private let tracker: RedisTracker?
    private let versions: SessionVersions?

    /// - Parameter pool: for looking up the servers' names.
    /// - Parameter caching: nil: each check asks Redis. A cluster's sessions are not kept: each of its servers would have to be heard.
    package init(
        _ deployment: RedisDeployment, loop: EventLoop, pool: BlockingPool, timeouts: RedisTimeouts = RedisTimeouts(),
        caching: SessionCaching? = nil
    ) {
        servers = RedisServers(deployment, timeouts: timeouts, loop: loop, pool: pool)
        self.timeouts = timeouts
        guard let caching, case .one(let connection) = servers else {
            (cache, tracker, versions) = (nil, nil, nil)
            return
        }
        let tracker = RedisTracker(connection, caching.versions, loop: loop, pool: pool, report: caching.report)
        let cache = SessionCache(capacity: caching.capacity, versions: caching.versions) { tracker.ask() }
        (self.cache, self.tracker, versions) = (cache, tracker, caching.versions)
        tracker.start(for: cache)
    }

    deinit { tracker?.stop() }

    package convenience init(
        _ location: RedisLocation, loop: EventLoop, pool: BlockingPool, timeouts: RedisTimeouts = RedisTimeouts()
    ) {
        self.init(.server(location), loop: loop, pool: pool, timeouts: timeouts)
    }

    /// What was changed here is known on all workers of this process before the caller is told, ahead of Redis' own news.
    private func raise(_ key: SessionKey) { versions?.raise(key) }

    /// The replies of `commands`, done as one: all of them or none. On a cluster, their keys are of one slot.
    private func transaction(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        let execute = RedisCommand("EXEC")
        let replies = try await servers.send([RedisCommand("MULTI")] + commands + [execute], timeout: timeout)
        guard case .array(let results) = replies[replies.count - 1], results.count == commands.count else {
            throw servers.unexpected(execute, replies[replies.count - 1])
        }
        for (command, result) in zip(commands, results) {
            if case .error(let text) = result { throw servers.refused(command, text) }
        }
        return results
    }

    private func bulk(_ reply: RedisReply, _ command: RedisCommand) throws(StoreError) -> [UInt8]? {
        switch reply {
        case .bulk(let value): return value
        case .null: return nil
        default: throw servers.unexpected(command, reply)
        }
    }

    private func array(_ reply: RedisReply, _ command: RedisCommand) throws(StoreError) -> [RedisReply] {
        guard case .array(let elements) = reply else { throw servers.unexpected(command, reply) }
        return elements
    }
}

extension RedisSessionStore: SessionStore {
    package func insert(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        let set = RedisCommand("SET", [RedisKey.session(session.key), session.encoded, .word("NX")] + Self.expiry(session))
        if case .cluster = servers {
            try confirm(try await servers.check(set), set)
            return try await place(session, now: now)
        }
        let results = try await transaction([set] + Self.placing(session, now: now), timeout: timeouts.command)
        try confirm(results[0], set)
        try await prolong(session, results[results.count - 1])
    }

    private func confirm(_ reply: RedisReply, _ set: RedisCommand) throws(StoreError) {
        if reply.isOK { return }
        if case .null = reply { throw .conflict("Redis: the session id is taken") }
        throw servers.unexpected(set, reply)
    }

    /// Puts a session into its user's index.
    private func place(_ session: SessionRecord, now: Int64) async throws(StoreError) {
        let results = try await transaction(Self.placing(session, now: now), timeout: timeouts.command)
        try await prolong(session, results[results.count - 1])
    }

    private static func placing(_ session: SessionRecord, now: Int64) -> [RedisCommand] {
        let index = RedisKey.index(of: session.userID)
        return [
            RedisCommand("ZADD", index, .decimal(session.expiresAt), .word(session.key.text)),
            RedisCommand("ZREMRANGEBYSCORE", index, .word("-inf"), .decimal(now)),
            RedisCommand("PEXPIREAT", index, .decimal(max(1, session.expiresAt))),
            RedisCommand("ZREVRANGE", index, .decimal(0), .decimal(0), .word("WITHSCORES")),
        ]
    }

    /// An older session may end later than this one, if the lifetime was shortened since: the index must outlive it.
    /// (PEXPIREAT's own GT needs Redis 7.)
    /// - Parameter last: the index's last member and its score.
    private func prolong(_ session: SessionRecord, _ last: RedisReply) async throws(StoreError) {
        guard case .array(let last) = last, last.count == 2, case .bulk(let text) = last[1],
            let latest = Int64(String(decoding: text, as: UTF8.self)), latest > session.expiresAt
        else { return }
        _ = try await servers.check(RedisCommand("PEXPIREAT", RedisKey.index(of: session.userID), .decimal(latest)))
    }

    package func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord? {
        guard let session = try await read(key), session.isLive(at: now) else { return nil }
        return session
    }

    @inline(always)
    private func read(_ key: SessionKey) async throws(StoreError) -> SessionRecord? {
        if case .one(let connection) = servers {
            return try await connection.lookUp("GET", timeout: timeouts.command) { output in
                RedisKey.appendGet(key, to: output)
            } read: { value throws(StoreError) in
                try SessionRecord(encoded: value, under: key)
            }
        }
        let get = RedisCommand("GET", RedisKey.session(key))
        guard let value = try bulk(try await servers.check(get), get) else { return nil }
        return try SessionRecord(encoded: value, under: key)
    }

    /// Reads and writes: of two touches at the same moment the earlier may be the one that stays.
    package func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError) {
        defer { raise(key) }
        guard var session = try await read(key), session.lastSeenAt < lastSeenAt else { return }
        session.lastSeenAt = lastSeenAt
        // XX: a session that was removed since it was read stays removed.
        let set = RedisCommand("SET", [RedisKey.session(key), session.encoded, .word("XX")] + Self.expiry(session))
        let reply = try await servers.check(set)
        guard reply.isOK || reply == .null else { throw servers.unexpected(set, reply) }
        // The index's master may have failed over and forgotten it, while this session's has not.
        if case .cluster = servers, reply.isOK { try await place(session, now: lastSeenAt) }
    }

    package func remove(_ key: SessionKey) async throws(StoreError) -> Bool {
        defer { raise(key) }
        let take = RedisCommand("GETDEL", RedisKey.session(key))
        guard let value = try bulk(try await servers.check(take), take) else { return false }
        // It is gone by now, also when its record cannot be read and so its place in the index not be cleared.
        if let session = try? SessionRecord(encoded: value, under: key) {
            _ = try await servers.check(RedisCommand("ZREM", RedisKey.index(of: session.userID), .word(key.text)))
        }
        return true
    }

    package func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord] {
        let index = RedisKey.index(of: user)
        let range = RedisCommand(
            "ZREVRANGEBYSCORE", index, .word("+inf"), .word("(\(now)"), .word("LIMIT"), .decimal(0),
            .decimal(Int64(Self.maximumListed)))
        let members = Self.texts(try array(try await servers.list(range), range))
        var sessions: [SessionRecord] = []
        var stale: [[UInt8]] = []
        for page in Self.pages(members) {
            for (member, held) in try await values(page) {
                guard let held else { stale.append(member); continue }
                if let session = held.record, session.userID == user, session.isLive(at: now) { sessions.append(session) }
            }
        }
        if !stale.isEmpty { _ = try await servers.list(RedisCommand("ZREM", [index] + stale)) }
        return sessions.newestFirst()
    }

    /// Members that are added while this runs come after those that are here, and are ended too as long as it does;
    /// whoever disables a user does that first, so that no sign-in adds one afterwards.
    package func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int {
        let index = RedisKey.index(of: user)
        let keptText = kept.map { Array($0.text.utf8) }
        defer { versions?.raiseAll() }
        var removed = 0
        var passed: Int64 = 0
        while true {
            let range = RedisCommand("ZRANGE", index, .decimal(passed), .decimal(passed + Int64(Self.page) - 1))
            let members = Self.texts(try array(try await servers.list(range), range))
            if members.isEmpty { return removed }
            let ended = members.filter { $0 != keptText }
            passed += Int64(members.count - ended.count)
            if ended.isEmpty { continue }
            // A member that is another user's session is not ours to end. One that cannot be read is nobody's.
            let keys = try await values(ended).filter { $0.held.map { $0.record?.userID ?? user } == user }
                .map { RedisKey.session($0.member) }
            if case .cluster(let cluster) = servers {
                for case .integer(let count) in try await cluster.sendEach(keys.map { RedisCommand("DEL", $0) }, timeout: timeouts.list) {
                    removed += Int(clamping: count)
                }
                _ = try await servers.list(RedisCommand("ZREM", [index] + ended))
                continue
            }
            var commands = [RedisCommand("ZREM", [index] + ended)]
            if !keys.isEmpty { commands.append(RedisCommand("DEL", keys)) }
            let results = try await transaction(commands, timeout: timeouts.list)
            if results.count == 2, case .integer(let count) = results[1] { removed += Int(clamping: count) }
        }
    }

    /// The newest of the first ten thousand sessions that Redis names.
    package func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord] {
        guard limit > 0 else { return [] }
        var members: Set<[UInt8]> = []
        for server in try await servers.all() { try await scan(server, into: &members) }
        var sessions: [SessionRecord] = []
        for page in Self.pages(Array(members)) {
            for (_, held) in try await values(page) {
                if let session = held?.record, session.isLive(at: now) { sessions.append(session) }
            }
        }
        return Array(sessions.newestFirst().prefix(limit))
    }

    private func scan(_ server: RedisConnection, into members: inout Set<[UInt8]>) async throws(StoreError) {
        var cursor: [UInt8] = .word("0")
        for _ in 0..<Self.maximumScans where members.count < Self.maximumScanned {
            let scan = RedisCommand(
                "SCAN", cursor, .word("MATCH"), RedisKey.sessionPrefix + .word("*"), .word("COUNT"), .decimal(1_000))
            let reply = try await server.send(scan, timeout: timeouts.list)
            guard case .array(let parts) = reply, parts.count == 2, case .bulk(let next) = parts[0],
                case .array(let keys) = parts[1]
            else { throw server.unexpected(scan, reply) }
            // SCAN may name a key twice.
            members.formUnion(Self.texts(keys).map { Array($0.dropFirst(RedisKey.sessionPrefix.count)) })
            cursor = next
            if cursor == .word("0") { return }
        }
    }

    /// Redis removes by itself what has expired.
    package func purge(now: Int64) async throws(StoreError) -> Int { 0 }

    /// Of a cluster one master is enough: while another is being replaced, most sessions are served.
    package func ping() async throws(StoreError) {
        var failure: StoreError?
        for server in try await servers.all() {
            do throws(StoreError) {
                _ = try await server.send(RedisCommand("PING"), timeout: timeouts.command)
                return
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    // MARK: Values

    /// A value that is there; its record is nil when it cannot be read.
    private struct Held { var record: SessionRecord? }

    /// What is held for each member. Nil: nothing.
    private func values(_ members: [[UInt8]]) async throws(StoreError) -> [(member: [UInt8], held: Held?)] {
        let values: [RedisReply]
        if case .cluster(let cluster) = servers {
            // One by one, since MGET of several slots is refused; those of one master still travel together.
            values = try await cluster.sendEach(members.map { RedisCommand("GET", RedisKey.session($0)) }, timeout: timeouts.list)
        } else {
            let get = RedisCommand("MGET", members.map(RedisKey.session))
            let reply = try await servers.list(get)
            values = try array(reply, get)
            guard values.count == members.count else { throw servers.unexpected(get, reply) }
        }
        return zip(members, values).map { member, value in
            guard case .bulk(let octets) = value else { return (member, nil) }
            let key = SessionKey(text: String(decoding: member, as: UTF8.self))
            return (member, Held(record: key.flatMap { try? SessionRecord(encoded: octets, under: $0) }))
        }
    }

    private static func texts(_ replies: [RedisReply]) -> [[UInt8]] {
        replies.compactMap { if case .bulk(let text) = $0 { text } else { nil } }
    }

    private static func pages(_ members: [[UInt8]]) -> [[[UInt8]]] {
        stride(from: 0, to: members.count, by: page).map { Array(members[$0..<min($0 + page, members.count)]) }
    }

    /// Value and expiry are set together (PXAT, Redis 6.2), so that no value is ever without.
    private static func expiry(_ session: SessionRecord) -> [[UInt8]] {
        [.word("PXAT"), .decimal(max(1, session.endsAt))]
    }
}
