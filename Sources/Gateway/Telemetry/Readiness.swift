package import Access
package import Loop

/// Whether this worker can serve: its stores answer, and it is not about to stop.
package final class Readiness {
    /// One part of the answer; `fault` is nil where all is well.
    package struct Part: Equatable, Sendable {
        package let name: StaticString
        package let fault: String?

        package static func == (left: Part, right: Part) -> Bool {
            left.name.description == right.name.description && left.fault == right.fault
        }
    }

    /// Milliseconds in which a store has to answer.
    package static let patience: Int64 = 1_000

    private let context: WorkerContext
    private let sessions: StoreProbe
    private let users: StoreProbe

    package init(context: WorkerContext, sessions: any SessionStore, users: any UserStore) {
        self.context = context
        self.sessions = StoreProbe(loop: context.loop) { () async throws(StoreError) in try await sessions.ping() }
        self.users = StoreProbe(loop: context.loop) { () async throws(StoreError) in try await users.ping() }
    }

    /// Asks all parts; takes no longer than `patience`.
    /// - Parameter waiter: the calling task's.
    package func parts(_ waiter: Waiter) async -> [Part] {
        let deadline = context.loop.now.adding(milliseconds: Readiness.patience)
        // Both are asked before either is waited for.
        sessions.ask()
        users.ask()
        let sessionsFault = await sessions.fault(waiter, until: deadline)
        let usersFault = await users.fault(waiter, until: deadline)
        return [
            Part(name: "server", fault: context.isDraining ? "stopping" : nil),
            Part(name: "sessions", fault: sessionsFault),
            Part(name: "users", fault: usersFault),
        ]
    }
}
