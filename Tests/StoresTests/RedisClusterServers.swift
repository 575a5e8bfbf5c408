import Glibc
import Synchronization

@testable import Stores

/// Three masters of a real cluster. It takes seconds until they agree, so tests lend it to one another, emptied.
final class RedisClusterServers: Sendable {
    let nodes: [RedisServer]

    private static let idle = Mutex<[RedisClusterServers]>([])
    private static let isEndPlanned = Atomic<Bool>(false)

    /// One test's use of it.
    final class Lease: Sendable {
        let servers: RedisClusterServers

        fileprivate init(_ servers: RedisClusterServers) { self.servers = servers }

        deinit { RedisClusterServers.idle.withLock { $0.append(servers) } }

        var endpoints: [RedisEndpoint] { servers.endpoints }
    }

    var endpoints: [RedisEndpoint] { nodes.map { RedisEndpoint(host: "127.0.0.1", port: $0.port) } }

    /// The node that has `slot` by the layout that the cluster was made with.
    func node(of slot: Int) -> RedisServer { nodes[slot * nodes.count / RedisSlot.count] }

    /// The node that has `key`.
    func node(of key: String) -> RedisServer { node(of: RedisSlot.of(key.utf8)) }

    static func lease() throws -> Lease {
        if !isEndPlanned.exchange(true, ordering: .relaxed) {
            atexit { RedisClusterServers.idle.withLock { $0.removeAll() } }
        }
        let servers = try idle.withLock { $0.popLast() } ?? RedisClusterServers()
        for node in servers.nodes { _ = try node.ask("FLUSHALL") }
        return Lease(servers)
    }

    /// A cluster that the caller may break.
    init() throws {
        let options = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "5000"]
        // The nodes' own port is by default 10,000 above, where the kernel gives ports to connections.
        let ports = try (0..<3).map { _ in try TCP.freePort() }
        nodes = try ports.map { try RedisServer(options + ["--cluster-port", "\($0)"]) }
        for (index, node) in nodes.enumerated() {
            let first = (16_384 * index + 2) / 3
            let last = (16_384 * (index + 1) + 2) / 3 - 1
            _ = try node.ask("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
            _ = try node.ask("CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
        }
        for (node, port) in zip(nodes, ports).dropFirst() {
            _ = try nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", "\(node.port)", "\(port)")
        }
        for _ in 0..<1_000 {
            let isWhole = try nodes.allSatisfy { try $0.ask("CLUSTER", "INFO").contains("cluster_state:ok") }
            if isWhole, try nodes.allSatisfy({ try $0.ask("CLUSTER", "INFO").contains("cluster_known_nodes:3") }) { return }
            usleep(20_000)
        }
        throw TestFailure("the cluster does not come together")
    }
}
