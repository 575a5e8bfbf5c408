import Loop
import Synchronization

/// How often new settings were read, and what came of it.
package final class ReloadCounts: Sendable {
    private let accepted = Atomic<UInt64>(0)
    private let rejected = Atomic<UInt64>(0)
    private let lastSuccess: Atomic<Int64>

    /// The settings that the process starts with count as the first success.
    init() { lastSuccess = Atomic(Clock.wall()) }

    package var ok: UInt64 { accepted.load(ordering: .relaxed) }
    package var refused: UInt64 { rejected.load(ordering: .relaxed) }
    /// Milliseconds since 1970.
    var lastSuccessAt: Int64 { lastSuccess.load(ordering: .relaxed) }

    /// New settings hold.
    package func succeed() {
        accepted.add(1, ordering: .relaxed)
        lastSuccess.store(Clock.wall(), ordering: .relaxed)
    }

    /// The old settings go on.
    package func refuse() { rejected.add(1, ordering: .relaxed) }
}
