import Access
import Gateway
import Logging
import Loop
import Settings
import Stores

/// The gateway at work: what the settings say, opened, listening, and ended in order.
final class RunningGateway: Sendable {
    /// Of the public listeners, as the kernel gave them.
    let addresses: [SocketAddress]
    let adminAddress: SocketAddress?

    private let server: Server
    private let hub: TelemetryHub
    private let pools: [BlockingPool]
    private let housekeeper: Housekeeper
    private let drain: Int64

    /// SQLite reads at a time, over all workers; each costs a thread that mostly sleeps.
    private static let storeThreads = 4
    private static let storeQueue = 4_096
    private static let lookupThreads = 2
    private static let lookupQueue = 256

    /// Opens the stores and listens. Nothing is served before all listeners are open.
    init(_ settings: Settings, log: Logger) async throws {
        let configuration = try GatewayConfiguration(settings)
        let sources = try StoreSources(settings, readers: Self.storeThreads)
        let storing = try BlockingPool(name: "stores", threads: Self.storeThreads, queue: Self.storeQueue)
        let hashing = try BlockingPool(
            name: "passwords", threads: settings.passwords.threads.number, queue: settings.passwords.queue)
        let lookups = try BlockingPool(name: "lookups", threads: Self.lookupThreads, queue: Self.lookupQueue)
        pools = [storing, hashing, lookups]

        let connections = ConnectionCount()
        let logs = try LogLines(settings.log, log)
        let hub = TelemetryHub(
            workers: settings.workers.number, log: logs.output, audit: logs.audit, connections: connections,
            version: VersionCommand.version)
        hub.show(hashing: hashing)
        let labels = hub.labels(of: configuration)
        let format = settings.log.accessFormat
        self.hub = hub
        server = try Server(workers: settings.workers.number)
        drain = settings.timeouts.drain.milliseconds

        let size = settings.sessions.cache.number
        let caching = size == 0 ? nil : SessionCaching(capacity: size) { log.warning("\($0)") }
        var addresses: [SocketAddress] = []
        for listener in settings.listen {
            let service = Service(
                address: try SocketAddress(listener.address), limits: configuration.limits, timeouts: configuration.timeouts,
                connections: connections
            ) { context in
                let stores = GatewayStores(
                    sessions: sources.sessions(loop: context.loop, pool: storing, caching: caching),
                    users: sources.users(pool: storing), throttle: sources.failures(pool: storing),
                    hashing: hashing, lookups: lookups)
                return GatewayHandler(
                    configuration: configuration, stores: stores, context: context,
                    telemetry: hub.makeTelemetry(worker: context.index, labels: labels, format: format))
            }
            addresses.append(try await server.listen(service))
        }
        self.addresses = addresses
        adminAddress = try await Self.listen(settings.admin.address, server, hub) { context in
            let users: any UserStore = sources.users(pool: storing)
            return Readiness(
                context: context,
                sessions: hub.measured(sources.sessions(loop: context.loop, pool: storing), worker: context.index),
                users: hub.measured(users, worker: context.index))
        }
        housekeeper = Housekeeper(
            loop: server.workers[0].loop, interval: settings.sessions.purgeInterval.milliseconds,
            throttle: settings.throttle, log: log)
        housekeeper.start { loop in
            (
                hub.measured(sources.sessions(loop: loop, pool: storing), worker: 0),
                hub.measured(sources.failures(pool: storing), worker: 0)
            )
        }
    }

    private static func listen(
        _ address: AdminAddress, _ server: Server, _ hub: TelemetryHub, _ readiness: @escaping @Sendable (WorkerContext) -> Readiness
    ) async throws -> SocketAddress? {
        guard case .at(let address) = address else { return nil }
        let service = Service(address: try SocketAddress(address)) { context in
            AdminHandler(readiness: readiness(context), hub: hub)
        }
        return try await server.listen(service, onlyFirst: true)
    }

    /// Stops accepting, finishes what is in flight within `timeouts.drain`, writes the last of the logs.
    /// - Returns: how many connections were cut off.
    func stop() async -> Int {
        let cut = await server.stop(drain: drain)
        for pool in pools { pool.close() }
        _ = hub.close()
        return cut
    }
}

extension Settings::Log {
    /// Nil: there is no access log.
    fileprivate var accessFormat: AccessLog.Format? {
        switch access {
        case .off: nil
        case .json: .json
        case .text: .text
        }
    }
}

extension SocketAddress {
    fileprivate init(_ address: ListenAddress) throws {
        guard let octets = SocketAddress.octets(ofNumericHost: address.host),
            let numeric = SocketAddress(octets: octets, port: address.port)
        else { throw CommandFailure("gatehouse: \(address) is no address to listen at", status: .configuration) }
        self = numeric
    }
}
