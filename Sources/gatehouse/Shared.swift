import Gateway
import Logging
import Loop
import Settings

/// What lasts as long as the process, whatever the settings come to be.
struct Shared: Sendable {
    let server: Server
    let hub: TelemetryHub
    let connections: ConnectionCount
    let storing: BlockingPool
    let lookups: BlockingPool
    let housekeeper: Housekeeper

    /// SQLite reads at a time, over all workers; each costs a thread that mostly sleeps.
    static let storeThreads = 4
    private static let storeQueue = 4_096
    private static let lookupThreads = 2
    private static let lookupQueue = 256

    init(_ settings: Settings, inherited: InheritedSockets, log: Logger) throws {
        let workers = settings.workers.number
        let logs = try LogLines(settings.log, log)
        storing = try BlockingPool(name: "stores", threads: Self.storeThreads, queue: Self.storeQueue)
        lookups = try BlockingPool(name: "lookups", threads: Self.lookupThreads, queue: Self.lookupQueue)
        connections = ConnectionCount()
        hub = TelemetryHub(
            workers: workers, log: logs.output, audit: logs.audit, connections: connections, version: VersionCommand.version)
        server = try Server(workers: workers, inherited: inherited)
        housekeeper = Housekeeper(loop: server.workers[0].loop)
    }
}
