import Secrets

/// Sessions that a store has named, kept by one worker so that the next request with the same cookie is spared the look-up.
///
/// An entry counts only while nothing is known to have happened to its session (`SessionVersions`), and while the store's word is
/// fresh: whatever the store had been told `reach` ago has been heard of here. So a session that was ended is refused at the latest that
/// long after its end was acknowledged, also when the network between us and the store fails without a sign; then look-ups go to the store,
/// and what it cannot answer is 503 (rules 40 and 43).
///
/// Bounded: each session has one place, and a new one takes an older one's. Belongs to one worker.
package final class SessionCache {
    /// Nanoseconds for which the store's word counts, from the moment at which it was asked for.
    package static let reach: UInt64 = 100_000_000
    /// Nanoseconds after which it is asked for again, if requests come.
    private static let interval: UInt64 = 40_000_000

    private final class Entry {
        let key: SessionKey
        let identity: Identity
        let version: UInt64
        let record: SessionTimes

        init(_ key: SessionKey, _ identity: Identity, _ version: UInt64, _ record: SessionTimes) {
            self.key = key
            self.identity = identity
            self.version = version
            self.record = record
        }
    }

    /// What a look-up has to be in time for: taken before the store is asked.
    package struct Ticket {
        fileprivate let version: UInt64
    }

    package enum Finding {
        /// `isTouchDue`: the store is to be told that the session is in use.
        case known(Identity, isTouchDue: Bool)
        /// The store has to be asked; the ticket is nil while its answer cannot be kept.
        case unknown(Ticket?)
    }

    private let versions: SessionVersions
    private var entries: [Entry?]
    /// Raised when what was kept so far means nothing any more to this worker.
    private var generation: UInt64 = 0
    private var freshUntil: UInt64 = 0
    private var nextQuestion: UInt64 = 0
    /// Asks the store for its word; `vouch` is called when it has given it.
    private let ask: () -> Void

    /// - Parameters:
    ///   - capacity: sessions; brought to the next power of two. An entry takes about half a kilobyte.
    ///   - ask: must not wait.
    package init(capacity: Int, versions: SessionVersions, ask: @escaping () -> Void) {
        var places = 1
        while places < capacity { places *= 2 }
        entries = Array(repeating: nil, count: places)
        self.versions = versions
        self.ask = ask
    }

    /// Whether an entry can count just now. Times of this kind are monotonic nanoseconds.
    package func isFresh(at now: UInt64) -> Bool { now < freshUntil }

    /// All changes that the store had acknowledged at `moment` have been heard of.
    package func vouch(from moment: UInt64) {
        freshUntil = max(freshUntil, moment &+ Self.reach)
    }

    /// Changes may go unheard from now on: nothing counts, and what is under way is not kept, until the next `vouch`.
    package func distrust() {
        freshUntil = 0
        generation &+= 1
        for index in entries.indices { entries[index] = nil }
    }

    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - wallClock: milliseconds since 1970.
    package func find(_ key: SessionKey, now: UInt64, wallClock: Int64) -> Finding {
        if now >= nextQuestion {
            nextQuestion = now &+ Self.interval
            ask()
        }
        guard now < freshUntil else { return .unknown(nil) }
        let version = versions.version(of: key) &+ generation
        guard let entry = entries[place(of: key)], entry.version == version, entry.key == key, entry.record.isLive(at: wallClock)
        else { return .unknown(Ticket(version: version)) }
        return .known(entry.identity, isTouchDue: entry.record.isTouchDue(at: wallClock))
    }

    /// The store has answered a look-up that began with `ticket`.
    package func keep(_ session: SessionRecord, as identity: Identity, _ ticket: Ticket) {
        // A change since then stands in the version by now, if it is not in the answer.
        guard versions.version(of: session.key) &+ generation == ticket.version else { return }
        entries[place(of: session.key)] = Entry(session.key, identity, ticket.version, session.times)
    }

    /// The store is about to be told that the session is in use: others need not tell it too.
    package func noteUse(of key: SessionKey, at wallClock: Int64) {
        let place = place(of: key)
        guard let entry = entries[place], entry.key == key else { return }
        var times = entry.record
        times.lastSeenAt = wallClock
        entries[place] = Entry(key, entry.identity, entry.version, times)
    }

    /// By other bits than the version's.
    private func place(of key: SessionKey) -> Int { Int(truncatingIfNeeded: key.digest.word >> 20) & (entries.count - 1) }
}
