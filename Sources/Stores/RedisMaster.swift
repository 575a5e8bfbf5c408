internal import Access
internal import Loop

/// One worker's way to the master that sentinels name.
final class RedisMaster {
    let sentinels: RedisSentinels
    private let connections: [RedisConnection]
    private let loop: EventLoop
    /// Milliseconds for one sentinel, so that another can be asked in the time of one connection.
    private let patience: Int64
    /// The one that answered last is asked first.
    private var preferred = 0

    init(_ sentinels: RedisSentinels, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        self.sentinels = sentinels
        self.loop = loop
        patience = max(1, timeouts.connect / 4)
        var timeouts = timeouts
        timeouts.connect = patience
        connections = sentinels.endpoints.map { endpoint in
            RedisConnection(RedisLocation(endpoint, sentinels.login), timeouts: timeouts, loop: loop, pool: pool)
        }
    }

    /// Asks one sentinel after the other until one knows.
    func locate(until deadline: UInt64) async throws(StoreError) -> RedisLocation {
        let ask = RedisCommand("SENTINEL", .word("GET-MASTER-ADDR-BY-NAME"), .word(sentinels.service))
        var problem = "there is none"
        var isUnknown = false
        for step in connections.indices where step == 0 || loop.now < deadline {
            let index = (preferred + step) % connections.count
            do throws(StoreError) {
                switch try await connections[index].send(ask, timeout: patience) {
                case .array(let parts):
                    guard parts.count == 2, case .bulk(let host) = parts[0], case .bulk(let port) = parts[1],
                        let endpoint = RedisEndpoint(host: host, port: Int64(String(decoding: port, as: UTF8.self)) ?? 0)
                    else { throw connections[index].unexpected(ask, .null) }
                    preferred = index
                    return RedisLocation(endpoint, sentinels.masterLogin)
                case .null: isUnknown = true
                case let reply: throw connections[index].unexpected(ask, reply)
                }
            } catch {
                problem = "\(error)"
            }
        }
        if isUnknown {
            throw .unavailable(
                "\(sentinels): no sentinel knows a master of the name \(sentinels.service); is it the name in `sentinel monitor`?")
        }
        throw .unavailable("\(sentinels): no sentinel answers; the last one: \(problem)")
    }
}
