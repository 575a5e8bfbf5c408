import Gateway
package import Loop

/// The profile service, running: its server, its pool and its table.
package final class ProfileService: Sendable {
    /// The address in force, where port 0 was asked for.
    package let address: SocketAddress
    private let server: Server
    private let pool: BlockingPool

    /// Threads that ask the database: it serves one at a time, so a second one only keeps the first busy.
    private static let threads = 2
    /// Requests that wait for them.
    private static let queue = 1_024

    /// Starts to listen.
    package init(at address: SocketAddress, database: ProfileDatabase, workers: Int = 1) async throws {
        let pool = try BlockingPool(name: "profiles", threads: ProfileService.threads, queue: ProfileService.queue)
        self.pool = pool
        server = try Server(workers: workers)
        self.address = try await server.listen(
            Service(address: address) { _ in ProfileHandler(database: database, pool: pool) })
    }

    /// Stops listening, lets what is in flight finish for at most `milliseconds`, and ends the threads.
    package func stop(drain milliseconds: Int64) async {
        _ = await server.stop(drain: milliseconds)
        pool.close()
    }
}
