import Gateway
import Logging
import Loop
import Settings
import Synchronization

/// The gateway at work: what the settings say, opened, listening, replaced while running, and ended in order.
final class RunningGateway: Sendable {
    private let shared: Shared
    private let pseudonym: [UInt8]
    private let generation: Mutex<Generation>

    /// Opens the stores and listens. Nothing is served before all listeners are open.
    /// - Parameter inherited: sockets that are open already; the other addresses are opened.
    init(_ settings: Settings, inherited: InheritedSockets = InheritedSockets()) async throws {
        let pseudonym = try GatewayConfiguration.newPseudonym()
        let first = try Generation(settings, pseudonym: pseudonym, after: nil)
        let shared = try Shared(settings, inherited: inherited, log: first.log)
        self.pseudonym = pseudonym
        self.shared = shared
        generation = Mutex(first)
        Self.tell(of: try await shared.server.serve(first.services(shared)), first)
        await first.takeUp(shared, isFirst: true)
    }

    var settings: Settings { generation.withLock { $0.settings } }
    var log: Logger { generation.withLock { $0.log } }

    /// Serves by `settings` from the next request of every connection on, or, when this throws, as before. One call at a time.
    func take(_ settings: Settings) async throws {
        let previous = generation.withLock { $0 }
        let next = try Generation(settings, pseudonym: pseudonym, after: previous)
        let opened = try await shared.server.serve(next.services(shared))
        generation.withLock { $0 = next }
        await next.takeUp(shared, isFirst: false)
        Self.tell(of: opened, next)
        for key in Self.keysThatNeedARestart(settings, previous.settings, workers: shared.server.workers.count) {
            next.log.warning("\(key) is taken up at the next start; until then the old value holds")
        }
        shared.hub.reloads.succeed()
    }

    private static func keysThatNeedARestart(_ settings: Settings, _ previous: Settings, workers: Int) -> [String] {
        var keys: [String] = []
        if settings.workers.number != workers { keys.append("workers") }
        if settings.log.audit != previous.log.audit { keys.append("log.audit") }
        return keys
    }

    /// New settings were not to be had.
    func refuse() { shared.hub.reloads.refuse() }

    private static func tell(of opened: [[Server.Opened]], _ generation: Generation) {
        for (place, addresses) in opened.enumerated() {
            for listener in addresses where listener.isNew {
                let what =
                    place == 0
                    ? "listening at \(listener.address.text) for \(generation.settings.publicURL.origin)"
                    : "health and metrics at \(listener.address.text)"
                generation.log.notice("\(what)")
                guard listener.others > 0 else { continue }
                generation.log.notice(
                    """
                    another process listens at \(listener.address.text) too. New clients come to this one from now on; stop the \
                    other, unless it is about to end
                    """)
            }
        }
    }

    /// Stops accepting, finishes what is in flight within `timeouts.drain`, writes the last of the logs.
    /// - Returns: how many connections were cut off.
    func stop() async -> Int {
        let cut = await shared.server.stop(drain: settings.timeouts.drain.milliseconds)
        for pool in [shared.storing, shared.lookups] { pool.close() }
        _ = shared.hub.close()
        return cut
    }
}
