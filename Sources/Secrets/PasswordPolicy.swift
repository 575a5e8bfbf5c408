/// The algorithm and cost for new password hashes, and what passwords they take.
package struct PasswordPolicy: Sendable, Equatable {
    enum Algorithm: Sendable, Equatable {
        case bcrypt(cost: Int)
        case argon2id(Argon2idHash.Parameters)
    }

    /// The longest password where bcrypt does not say less. ASVS 6.2.9 asks for 64 characters at least.
    package static let maximumPassword = 1024

    /// argon2id with 19 MiB, two passes, one lane: the first choice of OWASP's Password Storage Cheat Sheet.
    package static let standard = PasswordPolicy(
        .argon2id(Argon2idHash.Parameters(memoryKiB: 19_456, iterations: 2, parallelism: 1)))

    let algorithm: Algorithm

    init(_ algorithm: Algorithm) { self.algorithm = algorithm }

    /// bcrypt with 2^`cost` rounds, `cost` in `BcryptHash.costs`.
    package static func bcrypt(cost: Int) throws(PasswordHashError) -> PasswordPolicy {
        try BcryptHash.check(cost: cost)
        return PasswordPolicy(.bcrypt(cost: cost))
    }

    /// argon2id; the bounds are those of `Argon2idHash.Parameters`.
    package static func argon2id(
        memoryKiB: Int, iterations: Int, parallelism: Int
    ) throws(PasswordHashError) -> PasswordPolicy {
        let parameters = Argon2idHash.Parameters(memoryKiB: memoryKiB, iterations: iterations, parallelism: parallelism)
        try parameters.check()
        return PasswordPolicy(.argon2id(parameters))
    }

    /// Octets of the longest password that this policy takes.
    package var maximumPassword: Int {
        switch algorithm {
        case .bcrypt: BcryptHash.maximumPassword
        case .argon2id: Self.maximumPassword
        }
    }

    /// What is wrong with `password` as a new one; nil: nothing. The octets are taken exactly as they are (ASVS 6.2.8).
    package func fault(of password: [UInt8]) -> PasswordHashError? {
        if password.isEmpty { return .passwordEmpty }
        // rule 30: bcrypt would ignore what follows the 72nd octet, and what follows a NUL.
        if password.count > maximumPassword { return .passwordTooLong(limit: maximumPassword) }
        if password.contains(0) { return .passwordHasNUL }
        return nil
    }

    /// The string to store for `password`, with a fresh random salt. Blocks for the time of one hash; any thread may call it.
    package func hash(_ password: [UInt8]) throws(PasswordHashError) -> String {
        if let fault = fault(of: password) { throw fault }
        let salt: [UInt8]
        do { salt = try SecureRandom.bytes(16) } catch { throw .randomUnavailable }
        switch algorithm {
        case .bcrypt(let cost):
            return PasswordHash.bcrypt(try BcryptHash(of: password, cost: cost, salt: salt)).text
        case .argon2id(let parameters):
            return PasswordHash.argon2id(try Argon2idHash(of: password, parameters: parameters, salt: salt)).text
        }
    }

    /// A hash of this algorithm and cost that no password is known for: what an unknown user's password is checked against,
    /// so that it takes as long as a known one's (rule 32).
    ///
    /// Its salt is zero and its tag the beginning of a SHA-256 of a text, so that nobody can have chosen it: finding a password
    /// means inverting 184 bits of bcrypt or 256 of argon2id. It needs no random octets and no work, so making it cannot fail.
    package func dummy() -> PasswordHash {
        let salt = [UInt8](repeating: 0, count: 16)
        let tag = SHA256Digest(of: Array("no password hashes to this".utf8)).bytes
        switch algorithm {
        case .bcrypt(let cost): return .bcrypt(BcryptHash(cost: cost, salt: salt, tag: Array(tag.prefix(23))))
        case .argon2id(let parameters): return .argon2id(Argon2idHash(parameters: parameters, salt: salt, tag: tag))
        }
    }
}
