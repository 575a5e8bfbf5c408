/// A stored password hash in modular-crypt form, parsed and bounded.
///
/// What stands in a database is input like any other (rule 34): its length, form, cost and memory are checked here, before
/// any of it reaches a hash library.
package enum PasswordHash: Sendable, Equatable {
    case bcrypt(BcryptHash)
    case argon2id(Argon2idHash)

    /// The longest hash string taken. An argon2id string with the largest salt and tag has 220 octets.
    package static let maximumLength = 512

    package init(parsing text: String) throws(PasswordHashError) {
        guard text.utf8.count <= Self.maximumLength else { throw .hashTooLong(limit: Self.maximumLength) }
        let octets = Array(text.utf8)
        guard octets.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .notASCII }
        if let hash = try BcryptHash(parsing: octets) {
            self = .bcrypt(hash)
        } else if let hash = try Argon2idHash(parsing: octets) {
            self = .argon2id(hash)
        } else {
            throw .unknownAlgorithm
        }
    }

    /// The string as it is stored.
    package var text: String {
        switch self {
        case .bcrypt(let hash): String(decoding: hash.text, as: UTF8.self)
        case .argon2id(let hash): String(decoding: hash.text, as: UTF8.self)
        }
    }

    /// The algorithm and cost that this hash was made with.
    package var policy: PasswordPolicy {
        switch self {
        case .bcrypt(let hash): PasswordPolicy(.bcrypt(cost: hash.cost))
        case .argon2id(let hash): PasswordPolicy(.argon2id(hash.parameters))
        }
    }

    /// Whether this is the hash of `password`. Blocks for the time of one hash; any thread may call it.
    ///
    /// The work is the same for every password: one that is empty, too long or has a NUL is worked on first, cut to what the
    /// algorithm takes, and refused afterwards, so that the time tells nothing about the user (rules 31 and 32). Throws only
    /// when the computation itself fails; that is never a reason to let somebody in.
    package func verify(_ password: [UInt8]) throws(PasswordHashError) -> Bool {
        let matches: Bool
        switch self {
        case .bcrypt(let hash): matches = try hash.matches(password)
        case .argon2id(let hash): matches = try hash.matches(password)
        }
        // rule 31: the verdict on the length comes after the work.
        return matches && policy.fault(of: password) == nil
    }

    /// Whether a hash made by `policy` would be harder to search than this one: the time for a silent re-hash at sign-in.
    ///
    /// bcrypt is weaker than argon2id at any cost; an argon2id hash is never traded for bcrypt.
    package func isWeaker(than policy: PasswordPolicy) -> Bool {
        switch (self, policy.algorithm) {
        case (.bcrypt(let hash), .bcrypt(let cost)): hash.cost < cost
        case (.bcrypt, .argon2id): true
        case (.argon2id, .bcrypt): false
        case (.argon2id(let hash), .argon2id(let wanted)):
            // The cost of one guess is memory held times passes over it; lanes do not change it.
            hash.parameters.memoryKiB < wanted.memoryKiB || hash.parameters.work < wanted.work
        }
    }
}

extension PasswordHash: CustomStringConvertible {
    /// The algorithm and cost: a log line or a failed test must not show the hash.
    package var description: String {
        switch self {
        case .bcrypt(let hash): "bcrypt, cost \(hash.cost)"
        case .argon2id(let hash):
            "argon2id, m=\(hash.parameters.memoryKiB) t=\(hash.parameters.iterations) p=\(hash.parameters.parallelism)"
        }
    }
}
