/// What went wrong at a store. The text says what and where, for the log; none of it is for the client.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be asked now: 503 with Retry-After, and the client's cookie stays as it is (rule 40).
    case unavailable(String)
    /// It answered with something that is not what we keep there (rule 41).
    case corrupt(String)
    /// It already holds what was to be added, for instance a user of that name.
    case conflict(String)

    package var description: String {
        switch self {
        case .unavailable(let what): "unavailable: \(what)"
        case .corrupt(let what): "corrupt: \(what)"
        case .conflict(let what): "conflict: \(what)"
        }
    }
}
