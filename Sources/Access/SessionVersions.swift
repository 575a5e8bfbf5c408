import Secrets
import Synchronization

/// Which sessions of one store may have changed, as numbers that only grow: what was read under an older number is not to be relied on.
///
/// Many keys share a number, so that a change of one costs the others a look-up and nothing else. One object for all workers of a
/// process that use the store; whoever changes a session raises its number after the store has taken the change and before anybody
/// is told so.
package final class SessionVersions: Sendable {
    /// A power of two.
    private static let slots = 4_096

    private let versions: [4_096 of Atomic<UInt64>] = InlineArray { _ in Atomic(0) }
    private let all = Atomic<UInt64>(0)

    package init() {}

    package func version(of key: SessionKey) -> UInt64 {
        // Both only grow, so the sum is another one whichever has.
        versions[Self.slot(of: key)].load(ordering: .acquiring) &+ all.load(ordering: .acquiring)
    }

    package func raise(_ key: SessionKey) {
        versions[Self.slot(of: key)].wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// Any session may have changed.
    package func raiseAll() { all.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    private static func slot(of key: SessionKey) -> Int { Int(truncatingIfNeeded: key.digest.word) & (slots - 1) }
}
