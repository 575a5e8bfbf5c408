/// Why a stored hash, a policy or a new password is not taken. No case carries any of the hash or the password.
package enum PasswordHashError: Error, Equatable, Sendable, CustomStringConvertible {
    // MARK: A stored hash (rule 34)
    case hashTooLong(limit: Int)
    case notASCII
    /// Neither bcrypt ($2a$, $2b$, $2y$) nor argon2id.
    case unknownAlgorithm
    /// Begins as a hash of this algorithm, and is not in its exact form.
    case malformed(algorithm: String)
    /// A cost, memory size or other parameter outside of what this gateway computes.
    case outOfBounds(parameter: String, allowed: ClosedRange<Int>)

    // MARK: A new password
    case passwordEmpty
    case passwordTooLong(limit: Int)
    case passwordHasNUL

    // MARK: The computation
    case outOfMemory
    case libraryFailed(String)
    case randomUnavailable

    package var description: String {
        switch self {
        case .hashTooLong(let limit): "the password hash is longer than \(limit) octets"
        case .notASCII: "the password hash has octets outside of printable ASCII"
        case .unknownAlgorithm: "the password hash is none of $2a$, $2b$, $2y$ and $argon2id$"
        case .malformed(let algorithm): "the password hash is not an exact \(algorithm) string"
        case .outOfBounds(let parameter, let allowed):
            "the password hash has a \(parameter) outside of \(allowed.lowerBound) to \(allowed.upperBound)"
        case .passwordEmpty: "the password is empty"
        case .passwordTooLong(let limit): "the password is longer than \(limit) octets"
        case .passwordHasNUL: "the password has a NUL octet in it"
        case .outOfMemory: "no memory for the password hash"
        case .libraryFailed(let message): "the password hash could not be computed: \(message)"
        case .randomUnavailable: "the random generator failed"
        }
    }
}
