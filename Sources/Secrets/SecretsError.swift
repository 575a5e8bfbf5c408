/// What can go wrong with key material. No case carries any of the secret itself.
package enum SecretsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system's generator gave nothing. There is no second source (rule 38).
    case randomUnavailable
    /// More random octets asked for than one call gives.
    case randomCount(Int)
    /// A signing secret of so many octets; HS256 needs 32 (RFC 7518 3.2).
    case secretTooShort(Int)
    /// A signing secret that is a PEM, SSH or JWK key: anybody may hold its public half (rule 53).
    case secretIsKey
    /// A signing secret made of one octet over and over.
    case secretIsUniform
    /// A secret file that cannot be used.
    case file(path: String, FileProblem)

    package enum FileProblem: Equatable, Sendable {
        /// A system call on the file failed with this `errno`.
        case system(call: String, errno: Int32)
        case pathHasNUL
        case notAFile
        /// Others have access to it; the permission bits found.
        case openToOthers(mode: UInt32)
        case empty
        /// More than this many octets.
        case tooLong(limit: Int)
        /// There is a file already where a new one was to be made.
        case exists
    }

    package var description: String {
        switch self {
        case .randomUnavailable: "the random generator failed"
        case .randomCount(let count): "\(count) random octets asked for; 0 to \(SecureRandom.limit) can be had"
        case .secretTooShort(let count):
            "the secret has \(count) octets; at least \(HMACSHA256Key.minimumSecret) are needed"
        case .secretIsKey: "the secret is the text of a PEM, SSH or JWK key; use random octets of its own"
        case .secretIsUniform: "the secret is one octet repeated; use random octets"
        case .file(let path, let problem): "secret file \(path): \(problem)"
        }
    }
}

extension SecretsError.FileProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let call, let errno): "\(call) failed: \(systemMessage(errno))"
        case .pathHasNUL: "the path has a NUL octet in it"
        case .notAFile: "not a regular file"
        case .openToOthers(let mode):
            """
            others than its owner have access (mode \(octal(mode))); run chmod 600 on it, or leave it to root and to \
            a group of the gateway's that may only read (mode 0440)
            """
        case .empty: "it is empty"
        case .tooLong(let limit): "it is longer than \(limit) octets"
        case .exists: "it exists already and is left as it is"
        }
    }

    private func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
}
