internal import Access
internal import Loop

/// One worker's connections to the servers that keep the sessions.
enum RedisServers {
    /// All keys are here.
    case one(RedisConnection)
    /// Each has a share of the keys, and only commands of one key's share can be done as one.
    case cluster(RedisCluster)

    init(_ deployment: RedisDeployment, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        switch deployment {
        case .server(let location): self = .one(RedisConnection(location, timeouts: timeouts, loop: loop, pool: pool))
        case .sentinel(let sentinels): self = .one(RedisConnection(sentinels, timeouts: timeouts, loop: loop, pool: pool))
        case .cluster(let endpoints, let login):
            self = .cluster(RedisCluster(endpoints, login, timeouts: timeouts, loop: loop, pool: pool))
        }
    }

    /// The reply of the server that has the command's key, to what stands between a client and its answer. An error reply is
    /// thrown.
    func check(_ command: RedisCommand) async throws(StoreError) -> RedisReply {
        switch self {
        case .one(let connection): try await connection.send(command, timeout: connection.timeouts.command)
        case .cluster(let cluster): try await cluster.send([command], timeout: cluster.timeouts.command)[0]
        }
    }

    /// The same for lists and for ending many sessions.
    func list(_ command: RedisCommand) async throws(StoreError) -> RedisReply {
        switch self {
        case .one(let connection): try await connection.send(command, timeout: connection.timeouts.list)
        case .cluster(let cluster): try await cluster.send([command], timeout: cluster.timeouts.list)[0]
        }
    }

    /// The replies of commands that all have keys of one share; nobody else's come in between.
    func send(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        switch self {
        case .one(let connection): try await connection.send(commands, timeout: timeout)
        case .cluster(let cluster): try await cluster.send(commands, timeout: timeout)
        }
    }

    /// Every server that has a share of the keys.
    func all() async throws(StoreError) -> [RedisConnection] {
        switch self {
        case .one(let connection): [connection]
        case .cluster(let cluster): try await cluster.all()
        }
    }

    func unexpected(_ command: RedisCommand, _ reply: RedisReply) -> StoreError {
        switch self {
        case .one(let connection): connection.unexpected(command, reply)
        case .cluster(let cluster): .corrupt("\(cluster): \(command.name) was answered with \(reply.kind)")
        }
    }

    func refused(_ command: RedisCommand, _ text: [UInt8]) -> StoreError {
        switch self {
        case .one(let connection): connection.refused(command, text)
        case .cluster(let cluster): RedisError(text).storeError("\(cluster)", command)
        }
    }
}
