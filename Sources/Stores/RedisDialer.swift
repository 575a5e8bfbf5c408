internal import Access
internal import Loop
internal import Synchronization

/// Why no connection was made, as a sentence about the server.
struct RedisDialError: Error {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Makes connections for one worker: looks the name up, connects, and agrees on TLS where that is asked for.
final class RedisDialer {
    private let loop: EventLoop
    private let pool: BlockingPool
    private var lookup: RedisLookup?

    init(loop: EventLoop, pool: BlockingPool) {
        self.loop = loop
        self.pool = pool
    }

    /// Parks on `waiter` until `deadline` (monotonic nanoseconds) at the latest.
    /// - Parameter attempt: how many have failed before: another address of the name comes first each time, because one that
    ///   does not answer uses up the whole time.
    func dial(
        _ location: RedisLocation, attempt: Int, _ waiter: Waiter, until deadline: UInt64
    ) async throws(RedisDialError) -> ByteStream {
        let addresses = try await lookUp(location.endpoint, waiter, until: deadline)
        var problem = "no address"
        for index in addresses.indices {
            let address = addresses[(index + attempt) % addresses.count]
            do throws(RedisDialError) {
                return try await secure(try await connect(to: address, waiter, until: deadline), location, waiter, until: deadline)
            } catch {
                problem = error.description
            }
            if loop.now >= deadline { break }
        }
        throw RedisDialError(problem)
    }

    private func connect(to address: SocketAddress, _ waiter: Waiter, until deadline: UInt64) async throws(RedisDialError) -> Socket {
        do throws(ConnectError) {
            return try await Socket.connect(to: address, loop: loop, waiter: waiter, until: deadline)
        } catch {
            throw RedisDialError(error.description)
        }
    }

    /// With TLS asked for, there is TLS or no connection.
    private func secure(
        _ socket: Socket, _ location: RedisLocation, _ waiter: Waiter, until deadline: UInt64
    ) async throws(RedisDialError) -> ByteStream {
        guard let context = location.login.tls else { return .plain(socket) }
        do throws(TLSError) {
            let tls = try TLSSocket(client: context, socket, host: location.endpoint.host)
            try await tls.handshake(waiter, until: deadline)
            return .tls(tls)
        } catch {
            throw RedisDialError(error.description)
        }
    }

    /// The name is looked up anew for each connection, because a failover may move it.
    private func lookUp(
        _ endpoint: RedisEndpoint, _ waiter: Waiter, until deadline: UInt64
    ) async throws(RedisDialError) -> [SocketAddress] {
        if let octets = SocketAddress.octets(ofNumericHost: endpoint.host),
            let address = SocketAddress(octets: octets, port: endpoint.port)
        {
            return [address]
        }
        // The system's resolver has no deadline, so the look-up goes on by itself; an attempt that comes while it does
        // waits for the same one. It cannot wake this loop: it is looked at every few milliseconds.
        let lookup = self.lookup.flatMap { $0.endpoint == endpoint ? $0 : nil } ?? RedisLookup(endpoint, pool)
        self.lookup = lookup
        while true {
            if let result = lookup.result {
                self.lookup = nil
                do throws(ResolveError) { return try result.get() } catch { throw RedisDialError("\(error)") }
            }
            guard loop.now < deadline else { throw RedisDialError("\(endpoint.host) was not looked up in time") }
            _ = await waiter.wait(until: min(deadline, loop.now.adding(milliseconds: 2)))
        }
    }
}

/// A look-up of Redis' name that goes on by itself on the blocking pool.
private final class RedisLookup: Sendable {
    let endpoint: RedisEndpoint
    private let outcome = Mutex<Result<[SocketAddress], ResolveError>?>(nil)

    init(_ endpoint: RedisEndpoint, _ pool: BlockingPool) {
        self.endpoint = endpoint
        Task {
            let result: Result<[SocketAddress], ResolveError>
            do throws(ResolveError) {
                result = .success(try await Resolver.resolve(host: endpoint.host, port: endpoint.port, on: pool))
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
        }
    }

    /// Nil: it is still under way.
    var result: Result<[SocketAddress], ResolveError>? { outcome.withLock { $0 } }
}
