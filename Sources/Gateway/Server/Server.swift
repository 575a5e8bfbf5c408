package import Loop
import Secrets

/// The workers and what they listen to.
package final class Server: Sendable {
    package let workers: [Worker]
    private let threads: [Thread]

    /// Starts `count` workers that listen to nothing yet.
    package init(workers count: Int) throws {
        var workers: [Worker] = []
        var threads: [Thread] = []
        for index in 0..<max(1, count) {
            let loop = try EventLoop(name: "worker-\(index)")
            let seed = try SecureRandom.bytes(8).reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
            threads.append(try loop.start())
            workers.append(Worker(loop: loop, index: index, seed: seed))
        }
        self.workers = workers
        self.threads = threads
    }

    /// Every worker listens at the service's address; `onlyFirst`: the first worker alone, for the admin listener.
    /// - Returns: the address in force, which the kernel chose where port 0 was asked for.
    package func listen(_ service: Service, onlyFirst: Bool = false) async throws -> SocketAddress {
        var service = service
        for worker in onlyFirst ? Array(workers.prefix(1)) : workers {
            let address = try await worker.listen(service)
            service = service.at(address)
        }
        return service.address
    }

    /// Ends all: see `Worker.drain`.
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
