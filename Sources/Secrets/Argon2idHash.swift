import CArgon2

/// An argon2id hash of version 1.3 (RFC 9106): `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<tag>`.
package struct Argon2idHash: Sendable, Equatable {
    package struct Parameters: Sendable, Equatable {
        package var memoryKiB: Int
        package var iterations: Int
        package var parallelism: Int

        // A stored hash decides how much memory and time its check takes, so these are what one check may cost (rule 34). The
        // memory is held once for each thread that hashes.
        package static let memories = 8...262_144
        package static let iterationCounts = 1...16
        package static let lanes = 1...16

        /// KiB written in all.
        var work: Int { memoryKiB * iterations }

        func check() throws(PasswordHashError) {
            guard Self.iterationCounts.contains(iterations) else {
                throw .outOfBounds(parameter: "argon2id pass count", allowed: Self.iterationCounts)
            }
            guard Self.lanes.contains(parallelism) else {
                throw .outOfBounds(parameter: "argon2id lane count", allowed: Self.lanes)
            }
            // RFC 9106 3.1: at least 8 KiB a lane.
            let memories = 8 * parallelism...Self.memories.upperBound
            guard memories.contains(memoryKiB) else {
                throw .outOfBounds(parameter: "argon2id memory (KiB)", allowed: memories)
            }
        }
    }

    /// Octets of a salt: RFC 9106 3.1 advises 16, the library asks for 8.
    package static let salts = 8...64
    /// Octets of a tag: under 16 it would be the weakest part.
    package static let tags = 16...64

    let parameters: Parameters
    let salt: [UInt8]
    let tag: [UInt8]

    /// Nil when `text` does not begin as argon2id; throws when it does and is not exactly one.
    init?(parsing text: [UInt8]) throws(PasswordHashError) {
        let parts = text.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].isEmpty, parts[1].elementsEqual("argon2id".utf8) else { return nil }
        guard parts.count == 6, parts[2].elementsEqual("v=19".utf8), let parameters = Self.parameters(parts[3]),
            let salt = Base64Alphabet.standard.decode(parts[4]),
            let tag = Base64Alphabet.standard.decode(parts[5])
        else { throw .malformed(algorithm: "argon2id (version 19)") }
        try parameters.check()
        guard Self.salts.contains(salt.count) else {
            throw .outOfBounds(parameter: "argon2id salt length", allowed: Self.salts)
        }
        guard Self.tags.contains(tag.count) else {
            throw .outOfBounds(parameter: "argon2id tag length", allowed: Self.tags)
        }
        self.init(parameters: parameters, salt: salt, tag: tag)
    }

    init(parameters: Parameters, salt: [UInt8], tag: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.tag = tag
    }

    /// The hash of `password`, with a tag of 32 octets.
    init(of password: [UInt8], parameters: Parameters, salt: [UInt8]) throws(PasswordHashError) {
        let tag = try Self.compute(password, parameters, salt: salt, tagLength: 32)
        self.init(parameters: parameters, salt: salt, tag: tag)
    }

    /// The encoded form.
    var text: [UInt8] {
        let head =
            "$argon2id$v=19$m=\(parameters.memoryKiB),t=\(parameters.iterations),p=\(parameters.parallelism)$"
        return Array(head.utf8) + Base64Alphabet.standard.encode(salt.span.raw) + [UInt8(ascii: "$")]
            + Base64Alphabet.standard.encode(tag.span.raw)
    }

    /// Whether the first 1024 octets of `password` have this hash: always one full computation.
    func matches(_ password: [UInt8]) throws(PasswordHashError) -> Bool {
        let bounded = Array(password.prefix(PasswordPolicy.maximumPassword))
        return constantTimeEqual(try Self.compute(bounded, parameters, salt: salt, tagLength: tag.count), tag)
    }

    /// `m=…,t=…,p=…`, in this order and with nothing else.
    private static func parameters(_ text: ArraySlice<UInt8>) -> Parameters? {
        let fields = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == 3, let memory = number(fields[0], named: "m="),
            let iterations = number(fields[1], named: "t="), let lanes = number(fields[2], named: "p=")
        else { return nil }
        return Parameters(memoryKiB: memory, iterations: iterations, parallelism: lanes)
    }

    /// A decimal number without sign or leading zero, of ten digits at most, so that it cannot overflow.
    private static func number(_ field: ArraySlice<UInt8>, named name: String) -> Int? {
        guard field.starts(with: name.utf8) else { return nil }
        let digits = field.dropFirst(name.utf8.count)
        guard let first = digits.first, first != UInt8(ascii: "0"), digits.count <= 10,
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return digits.reduce(0) { 10 * $0 + Int($1 - 0x30) }
    }

    private static func compute(
        _ password: [UInt8], _ parameters: Parameters, salt: [UInt8], tagLength: Int
    ) throws(PasswordHashError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: tagLength)
        // The library takes mutable pointers, and writes through these two only under a flag that is not set.
        var password = password
        var salt = salt
        defer { wipe(&password) }
        let status = unsafe tag.withUnsafeMutableBufferPointer { tag in
            unsafe password.withUnsafeMutableBufferPointer { password in
                unsafe salt.withUnsafeMutableBufferPointer { salt in
                    var context = unsafe argon2_context()
                    unsafe (context.out, context.outlen) = (tag.baseAddress, UInt32(tag.count))
                    unsafe (context.pwd, context.pwdlen) = (password.baseAddress, UInt32(password.count))
                    unsafe (context.salt, context.saltlen) = (salt.baseAddress, UInt32(salt.count))
                    unsafe context.m_cost = UInt32(parameters.memoryKiB)
                    unsafe context.t_cost = UInt32(parameters.iterations)
                    unsafe context.lanes = UInt32(parameters.parallelism)
                    // Lanes are worked on one after the other: the pool of threads that hash is the bound on cores.
                    unsafe context.threads = 1
                    unsafe context.version = ARGON2_VERSION_13.rawValue
                    return unsafe argon2id_ctx(&context)
                }
            }
        }
        switch status {
        case ARGON2_OK.rawValue: return tag
        case ARGON2_MEMORY_ALLOCATION_ERROR.rawValue: throw .outOfMemory
        default: throw .libraryFailed(unsafe argon2_error_message(status).map { unsafe String(cString: $0) } ?? "argon2")
        }
    }
}
