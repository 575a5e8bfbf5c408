package import Loop
import Secrets

/// The workers and what they serve. The threads last as long as the process; what they serve can be replaced.
package final class Server: Sendable {
    /// One address of a service.
    package struct Opened: Sendable {
        /// The one in force, which the kernel chose where port 0 was asked for.
        package let address: SocketAddress
        package let isNew: Bool
        /// Sockets of other processes that listened there before.
        package let others: Int
    }

    package let workers: [Worker]
    private let threads: [Thread]
    private let inherited: InheritedSockets

    /// Starts `count` workers that listen to nothing yet.
    package init(workers count: Int, inherited: InheritedSockets = InheritedSockets()) throws {
        var workers: [Worker] = []
        var threads: [Thread] = []
        for index in 0..<max(1, count) {
            let loop = try EventLoop(name: "worker-\(index)")
            let seed = try SecureRandom.bytes(8).reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
            threads.append(try loop.start())
            workers.append(Worker(loop: loop, index: index, of: max(1, count), seed: seed, inherited: inherited))
        }
        self.workers = workers
        self.threads = threads
        self.inherited = inherited
    }

    /// Puts `services` in the place of all those before: each is the successor of the one that had its place. Addresses that stay
    /// go on without a break, new ones are open before any old one goes, and each worker changes over in one turn. Where this
    /// throws, nothing has changed. One call at a time.
    ///
    /// What is not served any more ends as `stop` ends it, within the `drain` of its time-outs.
    @discardableResult
    package func serve(_ services: [Service]) async throws -> [[Opened]] {
        let others = services.map { service in
            service.addresses.map { $0.port == 0 || inherited.holds($0) ? 0 : ListenTable.count(at: $0) }
        }
        var addresses = services.map(\.addresses)
        var isNew = addresses.map { $0.map { _ in false } }
        do {
            for worker in workers {
                for (place, opened) in try await worker.prepare(services, at: addresses).enumerated() {
                    for (index, listener) in opened.enumerated() {
                        addresses[place][index] = listener.address
                        if listener.isNew { isNew[place][index] = true }
                    }
                }
            }
        } catch {
            for worker in workers { await worker.abandon() }
            throw error
        }
        var opened: [[Opened]] = []
        for (place, service) in services.enumerated() {
            opened.append([])
            for (index, address) in addresses[place].enumerated() {
                let strangers = isNew[place][index] ? others[place][index] : 0
                opened[place].append(Opened(address: address, isNew: isNew[place][index], others: strangers))
                guard strangers > 0 else { continue }
                await workers[0].prefer(address, sockets: service.isOnFirstWorkerOnly ? 1 : workers.count, after: strangers)
            }
        }
        for worker in workers { await worker.commit() }
        return opened
    }

    /// Serves `service` and nothing else.
    /// - Returns: the address in force.
    package func listen(_ service: Service) async throws -> SocketAddress {
        let opened = try await serve([service])
        guard let first = opened.first?.first else { throw SystemError("listen", "the service has no address", code: 0) }
        return first.address
    }

    /// Ends all: stops accepting without turning anybody away, answers what is in flight and the next request of each connection
    /// that is kept alive, then cuts off what is left after `milliseconds`.
    /// - Returns: how many connections were cut off.
    package func stop(drain milliseconds: Int64) async -> Int {
        let cut = await withTaskGroup(of: Int.self) { group in
            for worker in workers { group.addTask { await worker.drain(milliseconds: milliseconds) } }
            return await group.reduce(0, +)
        }
        for worker in workers { worker.loop.stop() }
        for thread in threads { thread.join() }
        return cut
    }
}
