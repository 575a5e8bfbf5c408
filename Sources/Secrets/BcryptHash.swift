import CCrypt
import COpenSSL
import Glibc

/// A bcrypt hash: `$2b$`, two digits of cost, `$`, 22 characters of salt, 31 of tag, in bcrypt's own base 64.
///
/// `$2a$`, `$2b$` and `$2y$` are taken. `$2x$` marks hashes of an implementation that lost octets over 127, and is not.
package struct BcryptHash: Sendable, Equatable {
    /// 15 takes about two seconds of a core; a stored cost above it would be a way to stop the gateway (rule 34).
    package static let costs = 4...15
    /// Octets of a password that bcrypt reads; it ignores the rest (rule 30).
    package static let maximumPassword = 72

    private static let length = 60

    /// The 60 characters as stored.
    let text: [UInt8]
    let cost: Int

    /// Nil when `text` does not begin as bcrypt; throws when it does and is not exactly one.
    init?(parsing text: [UInt8]) throws(PasswordHashError) {
        guard text.count >= 4, text[0] == UInt8(ascii: "$"), text[1] == UInt8(ascii: "2"), text[3] == UInt8(ascii: "$")
        else { return nil }
        guard [UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "y")].contains(text[2]) else { return nil }
        guard text.count == Self.length, text[6] == UInt8(ascii: "$"),
            let tens = Self.digit(text[4]), let units = Self.digit(text[5]),
            // Also refuses left-over bits that are not zero: no implementation's output compares equal to those.
            Base64Alphabet.bcrypt.decode(text[7..<29]) != nil,
            Base64Alphabet.bcrypt.decode(text[29...]) != nil
        else { throw .malformed(algorithm: "bcrypt") }
        let cost = 10 * tens + units
        try Self.check(cost: cost)
        self.text = text
        self.cost = cost
    }

    /// A hash from its parts: `cost` as checked, 16 octets of salt, 23 of tag.
    init(cost: Int, salt: [UInt8], tag: [UInt8]) {
        text = Self.setting(cost: cost, salt: salt) + Base64Alphabet.bcrypt.encode(tag.span.raw)
        self.cost = cost
    }

    /// The hash of `password`, whose length and octets have been checked.
    init(of password: [UInt8], cost: Int, salt: [UInt8]) throws(PasswordHashError) {
        text = try Self.compute(password, setting: Self.setting(cost: cost, salt: salt))
        self.cost = cost
    }

    static func check(cost: Int) throws(PasswordHashError) {
        guard costs.contains(cost) else { throw .outOfBounds(parameter: "bcrypt cost", allowed: costs) }
    }

    /// Whether the first 72 octets of `password`, to the first NUL, have this hash: always one full computation.
    func matches(_ password: [UInt8]) throws(PasswordHashError) -> Bool {
        constantTimeEqual(try Self.compute(password, setting: text), text)
    }

    private static func digit(_ octet: UInt8) -> Int? {
        (0x30...0x39).contains(octet) ? Int(octet) - 0x30 : nil
    }

    private static func setting(cost: Int, salt: [UInt8]) -> [UInt8] {
        [UInt8]("$2b$".utf8) + [0x30 + UInt8(cost / 10), 0x30 + UInt8(cost % 10), UInt8(ascii: "$")]
            + Base64Alphabet.bcrypt.encode(salt.span.raw)
    }

    /// libxcrypt's answer for `password` and `setting`: the 60 characters of a hash.
    private static func compute(_ password: [UInt8], setting: [UInt8]) throws(PasswordHashError) -> [UInt8] {
        // 32 KiB that the computation leaves its traces in: on the heap for its size, and wiped.
        let size = MemoryLayout<crypt_data>.size
        guard let scratch = unsafe calloc(1, size) else { throw .outOfMemory }
        defer {
            unsafe OPENSSL_cleanse(scratch, size)
            unsafe free(scratch)
        }
        var phrase = password.prefix(maximumPassword) + [0]
        defer { unsafe phrase.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }
        let terminated = setting + [0]
        let result = unsafe phrase.withUnsafeBytes { phrase in
            unsafe terminated.withUnsafeBytes { setting in
                unsafe crypt_rn(
                    phrase.assumingMemoryBound(to: CChar.self).baseAddress,
                    setting.assumingMemoryBound(to: CChar.self).baseAddress, scratch, Int32(size))
            }
        }
        guard let result = unsafe result else { throw .libraryFailed("crypt_rn: \(systemMessage(errno))") }
        let text = unsafe [UInt8](UnsafeRawBufferPointer(start: result, count: strnlen(result, length + 1)))
        guard text.count == length else { throw .libraryFailed("crypt_rn gave \(text.count) characters") }
        return text
    }
}
