import Access
import Gateway
import Logging
import Loop
import Settings
import Stores

/// What one snapshot of the settings says, checked and opened, ready to serve. It lives as long as an exchange runs under it.
final class Generation: Sendable {
    let settings: Settings
    let log: Logger
    private let configuration: GatewayConfiguration
    private let sources: StoreSources
    private let hashing: HashingPool
    /// Nil: workers keep no sessions.
    private let caching: SessionCaching?
    private let addresses: [SocketAddress]
    private let adminAddress: SocketAddress?

    /// Opens what `previous` has not opened already. Blocks while a store is connected to.
    init(_ settings: Settings, pseudonym: [UInt8], after previous: Generation?) throws {
        self.settings = settings
        log = EventLog.start(settings.log)
        configuration = try GatewayConfiguration(settings, pseudonym: pseudonym)
        addresses = try settings.listen.map { try SocketAddress($0.address) }
        adminAddress =
            switch settings.admin.address {
            case .at(let address): try SocketAddress(address)
            case .off: nil
            }
        sources = try StoreSources(settings, readers: Shared.storeThreads, keeping: previous?.sources)
        let size = settings.sessions.cache.number
        caching = size == 0 ? nil : SessionCaching(capacity: size) { [log] in log.warning("\($0)") }
        let threads = settings.passwords.threads.number
        if let kept = previous?.hashing, kept.threads == threads, kept.queue == settings.passwords.queue {
            hashing = kept
        } else {
            hashing = try HashingPool(threads: threads, queue: settings.passwords.queue)
        }
    }

    /// The public listeners, then the admin listener.
    func services(_ shared: Shared) -> [Service] {
        let labels = shared.hub.labels(of: configuration)
        let format = settings.log.accessFormat
        let gateway = Service(
            addresses: addresses, limits: configuration.limits, timeouts: configuration.timeouts, connections: shared.connections
        ) { context, previous in
            let previous = previous as? GatewayHandler
            let sources = self.sources
            let stores = GatewayStores(
                sessions: self.kept(previous?.sessions)
                    ?? sources.sessions(loop: context.loop, pool: shared.storing, caching: self.caching),
                users: sources.users(pool: shared.storing), throttle: sources.failures(pool: shared.storing),
                hashing: self.hashing.pool, lookups: shared.lookups)
            return GatewayHandler(
                configuration: self.configuration, stores: stores, context: context,
                telemetry: shared.hub.makeTelemetry(worker: context.index, labels: labels, format: format), after: previous)
        }
        let admin = Service(addresses: adminAddress.map { [$0] } ?? [], isOnFirstWorkerOnly: true) { context, previous in
            let isSame = self.sources.keepsSessions && self.sources.keepsUsers
            let kept = isSame ? (previous as? AdminHandler)?.readiness : nil
            return AdminHandler(readiness: kept ?? self.readiness(context, shared), hub: shared.hub)
        }
        return [gateway, admin]
    }

    private func readiness(_ context: WorkerContext, _ shared: Shared) -> Readiness {
        let users: any UserStore = sources.users(pool: shared.storing)
        let sessions = sources.sessions(loop: context.loop, pool: shared.storing)
        return Readiness(
            context: context, sessions: shared.hub.measured(sessions, worker: context.index),
            users: shared.hub.measured(users, worker: context.index))
    }

    /// A worker's connection to an unchanged store goes on.
    private func kept(_ sessions: (any SessionStore)?) -> (any SessionStore)? { sources.keepsSessions ? sessions : nil }

    /// The settings hold from now on: also for what is not asked by a request.
    /// - Parameter isFirst: of the process.
    func takeUp(_ shared: Shared, isFirst: Bool) async {
        shared.hub.show(hashing: hashing.pool)
        let task = Housekeeper.Task(
            interval: settings.sessions.purgeInterval.milliseconds, throttle: settings.throttle, log: log)
        guard isFirst || !sources.keepsSessions || !sources.keepsFailures else { return await shared.housekeeper.work(by: task, nil) }
        // The housekeeper is the first worker's.
        await shared.housekeeper.work(by: task) { [sources, storing = shared.storing, hub = shared.hub] loop in
            (
                hub.measured(sources.sessions(loop: loop, pool: storing), worker: 0),
                hub.measured(sources.failures(pool: storing), worker: 0)
            )
        }
    }
}

/// Threads for password hashes; they end with the last generation that uses them.
private final class HashingPool: Sendable {
    let threads: Int
    let queue: Int
    let pool: BlockingPool

    init(threads: Int, queue: Int) throws {
        self.threads = threads
        self.queue = queue
        pool = try BlockingPool(name: "passwords", threads: threads, queue: queue, isBackground: true)
    }

    deinit { pool.close() }
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
