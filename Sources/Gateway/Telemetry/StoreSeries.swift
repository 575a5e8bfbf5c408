import Access
import Loop
import Synchronization

/// The stores that are measured; the values of the label `store`.
enum StoreName: Int, CaseIterable {
    case users, sessions, throttle

    var label: String { String(describing: self) }
}

/// What one worker has counted of one store.
final class StoreSeries: Sendable {
    /// The values of the label `operation`: a look at one thing, a change of one, or what touches many.
    enum Operation: Int, CaseIterable {
        case read, write, bulk

        var label: String { String(describing: self) }
    }

    enum Fault: Int, CaseIterable {
        case unavailable, corrupt, conflict

        init(_ error: StoreError) {
            switch error {
            case .unavailable: self = .unavailable
            case .corrupt: self = .corrupt
            case .conflict: self = .conflict
            }
        }

        var label: String { String(describing: self) }
    }

    /// By `Operation`.
    let latency: [3 of Latency] = InlineArray { _ in Latency() }
    /// By `Fault`.
    let faults: [3 of Counter] = InlineArray { _ in Counter() }
    private let health: StoreHealth

    init(health: StoreHealth) { self.health = health }

    /// Runs one operation and counts it.
    func measure<Value>(_ operation: Operation, _ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
        let startedAt = Clock.monotonic()
        do throws(StoreError) {
            let value = try await body()
            succeeded(operation, since: startedAt)
            return value
        } catch {
            failed(operation, error, since: startedAt)
            throw error
        }
    }

    /// - Parameter moment: monotonic nanoseconds.
    func succeeded(_ operation: Operation, since moment: UInt64) {
        latency[operation.rawValue].observe(Clock.monotonic() &- moment)
        health.answered()
    }

    func failed(_ operation: Operation, _ error: StoreError, since moment: UInt64) {
        latency[operation.rawValue].observe(Clock.monotonic() &- moment)
        faults[Fault(error).rawValue].add(1)
        if case .unavailable = error { health.fail() } else { health.answered() }
    }
}

/// Whether a store answered when it was last asked, by whichever worker.
final class StoreHealth: Sendable {
    private let failed = Atomic(false)

    var isUp: Bool { !failed.load(ordering: .relaxed) }

    func fail() { failed.store(true, ordering: .relaxed) }

    /// Reads first: the workers share this, and as long as all is well none of them takes it from the others by writing.
    func answered() { if failed.load(ordering: .relaxed) { failed.store(false, ordering: .relaxed) } }
}
