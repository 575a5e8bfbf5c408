internal import Access
internal import Loop

/// One worker's connections to the masters of a cluster, and what it knows about who has which slot.
///
/// The map is asked for when the first command comes, and again when it has shown to be wrong: a server moved a command on
/// or could not be reached. That is done beside the commands, which go on with what is known: those for other masters are
/// not held up by one that has died, and those for it fail at once until the cluster has made a replica the master.
final class RedisCluster: CustomStringConvertible {
    /// A cluster has at most a thousand nodes by its own specification.
    private static let maximumNodes = 1_000
    private static let maximumRedirections = 3
    /// Milliseconds from one look at the map to the next.
    private static let pause: Int64 = 200
    private static let nobody = UInt16.max

    let timeouts: RedisTimeouts
    private let seeds: [RedisConnection]
    private let seedNames: String
    private let login: RedisLogin
    private let loop: EventLoop
    private let pool: BlockingPool

    private var masters: [RedisConnection] = []
    private var indices: [RedisEndpoint: UInt16] = [:]
    /// For each slot which of `masters` has it. Empty until the map is known.
    private var owners: [UInt16] = []

    private var isStale = false
    private var isRefreshing = false
    private var nextRefresh: UInt64 = 0
    /// Why there is no map.
    private var failure: StoreError?
    /// Tasks that wait for the first map.
    private var waiting: [Waiter] = []

    init(_ endpoints: [RedisEndpoint], _ login: RedisLogin, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        self.timeouts = timeouts
        self.login = login
        self.loop = loop
        self.pool = pool
        seedNames = endpoints.map(\.description).joined(separator: ",")
        seeds = endpoints.map { RedisConnection(RedisLocation($0, login), timeouts: timeouts, loop: loop, pool: pool) }
    }

    /// For logs.
    var description: String { "\(login.tls == nil ? "redis" : "rediss")+cluster://\(seedNames)" }

    // MARK: Sending

    /// The replies of `commands`, which must have keys of one slot; the first error reply is thrown.
    ///
    /// A command that was moved on was not done, so it is sent once more, to where it was moved. What may have been done is
    /// not sent twice.
    func send(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        let limit = loop.now.adding(milliseconds: timeouts.connect + timeout)
        try await knowMap()
        guard let slot = commands.lazy.compactMap(\.slot).first else { throw unavailable("a command without a key") }
        var connection = try owner(of: slot)
        var sent = commands
        for _ in 0...Self.maximumRedirections {
            let replies = try await exchange(sent, connection, timeout)
            guard let (command, text) = Self.firstError(sent, replies) else { return Array(replies.suffix(commands.count)) }
            guard let redirection = redirection(text, from: connection) else { throw refused(command, text, by: connection) }
            guard loop.now < limit else { throw unavailable("it moved a command on until the time was up") }
            switch redirection {
            case .moved(let slot, let endpoint):
                isStale = true
                let index = try self.index(of: endpoint)
                owners[slot] = index
                connection = masters[Int(index)]
                sent = commands
            case .ask(let endpoint):
                connection = masters[Int(try index(of: endpoint))]
                // It holds for the next command, or for the transaction that this begins.
                sent = [RedisCommand("ASKING")] + commands
            }
        }
        throw unavailable("it moves a command on in circles")
    }

    /// The replies of single commands with keys of any slots, in their order. Those of one master travel together.
    func sendEach(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        try await knowMap()
        var indices: [UInt16: [Int]] = [:]
        for (index, command) in commands.enumerated() { indices[owners[command.slot ?? 0], default: []].append(index) }
        guard indices[Self.nobody] == nil else {
            isStale = true
            throw unavailable("some keys have no master now")
        }
        // Looked up before anything is waited for: the map may be another one after that.
        let shares = indices.map { (connection: masters[Int($0.key)], indices: $0.value) }
        var replies = [RedisReply](repeating: .null, count: commands.count)
        for share in shares {
            let results = try await exchange(share.indices.map { commands[$0] }, share.connection, timeout)
            for (index, result) in zip(share.indices, results) {
                // One by one what was moved on, or refused for a reason that this finds out.
                if case .error = result {
                    replies[index] = try await send([commands[index]], timeout: timeout)[0]
                } else {
                    replies[index] = result
                }
            }
        }
        return replies
    }

    /// Every master.
    func all() async throws(StoreError) -> [RedisConnection] {
        try await knowMap()
        return masters
    }

    private func exchange(
        _ commands: [RedisCommand], _ connection: RedisConnection, _ timeout: Int64
    ) async throws(StoreError) -> [RedisReply] {
        do throws(StoreError) {
            return try await connection.exchange(commands, timeout: timeout)
        } catch {
            isStale = true
            throw error
        }
    }

    private static func firstError(_ commands: [RedisCommand], _ replies: [RedisReply]) -> (RedisCommand, [UInt8])? {
        for (command, reply) in zip(commands, replies) { if case .error(let text) = reply { return (command, text) } }
        return nil
    }

    private func redirection(_ text: [UInt8], from connection: RedisConnection) -> RedisRedirection? {
        connection.location.flatMap { RedisRedirection(text, asked: $0.endpoint) }
    }

    private func refused(_ command: RedisCommand, _ text: [UInt8], by connection: RedisConnection) -> StoreError {
        if RedisError(text).isServerUnfit { isStale = true }
        return connection.refused(command, text)
    }

    private func unavailable(_ problem: String) -> StoreError { .unavailable("\(self): \(problem)") }

    // MARK: The map

    private func owner(of slot: Int) throws(StoreError) -> RedisConnection {
        guard owners[slot] != Self.nobody else {
            isStale = true
            throw unavailable("slot \(slot) has no master now")
        }
        return masters[Int(owners[slot])]
    }

    private func index(of endpoint: RedisEndpoint) throws(StoreError) -> UInt16 {
        if let index = indices[endpoint] { return index }
        guard masters.count < Self.maximumNodes else { throw unavailable("it names more than \(Self.maximumNodes) masters") }
        let index = UInt16(masters.count)
        masters.append(RedisConnection(RedisLocation(endpoint, login), timeouts: timeouts, loop: loop, pool: pool))
        indices[endpoint] = index
        return index
    }

    /// Returns when there is a map, be it the last one.
    private func knowMap() async throws(StoreError) {
        if !owners.isEmpty {
            if isStale { refreshSoon() }
            return
        }
        let waiter = Waiter(loop: loop)
        let deadline = loop.now.adding(milliseconds: timeouts.connect)
        while owners.isEmpty {
            if !isRefreshing, loop.now < nextRefresh, let failure { throw failure }
            refreshSoon()
            waiting.append(waiter)
            guard await waiter.wait(until: deadline) else {
                waiting.removeAll { $0 === waiter }
                throw failure ?? unavailable("no answer within \(timeouts.connect) ms")
            }
        }
    }

    private func refreshSoon() {
        guard !isRefreshing, loop.now >= nextRefresh else { return }
        isRefreshing = true
        // The task runs on the loop, where alone a cluster's connections are touched.
        nonisolated(unsafe) let cluster = self
        Task(executorPreference: loop) { await unsafe cluster.refresh() }
    }

    private func refresh() async {
        let ask = RedisCommand("CLUSTER", .word("SLOTS"))
        var problem = unavailable("nobody to ask")
        var isKnown = false
        // Those that are connected answer soonest. The seeds come last, for a cluster that has moved as a whole.
        for connection in masters.filter(\.isOpen) + masters.filter({ !$0.isOpen }) + seeds where !isKnown {
            do throws(StoreError) {
                let reply = try await connection.send(ask, timeout: timeouts.command)
                guard let asked = connection.location?.endpoint, let ranges = RedisSlotRange.read(reply, asked: asked) else {
                    throw connection.unexpected(ask, reply)
                }
                guard !ranges.isEmpty else { throw unavailable("its cluster is not whole: no master has any slots") }
                try install(ranges)
                isKnown = true
            } catch {
                problem = error
            }
        }
        if isKnown {
            isStale = false
            failure = nil
        } else {
            failure = problem
        }
        isRefreshing = false
        nextRefresh = loop.now.adding(milliseconds: Self.pause)
        for waiter in waiting { waiter.wake() }
        waiting.removeAll()
    }

    private func install(_ ranges: [RedisSlotRange]) throws(StoreError) {
        let known = indices.mapValues { masters[Int($0)] }
        guard Set(ranges.map(\.endpoint)).count <= Self.maximumNodes else {
            throw unavailable("it names more than \(Self.maximumNodes) masters")
        }
        masters = []
        indices = [:]
        owners = [UInt16](repeating: Self.nobody, count: RedisSlot.count)
        for range in ranges {
            let endpoint = range.endpoint
            if indices[endpoint] == nil, let connection = known[endpoint] {
                indices[endpoint] = UInt16(masters.count)
                masters.append(connection)
            }
            let index = try index(of: endpoint)
            for slot in range.first...range.last { owners[slot] = index }
        }
    }
}
