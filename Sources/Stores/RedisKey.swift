internal import Access
internal import Wire

/// The keys in Redis. None holds a character that a pattern gives a meaning to (rule 41).
enum RedisKey {
    static let sessionPrefix: [UInt8] = .word("gatehouse:session:")

    static func session(_ key: SessionKey) -> [UInt8] { session(.word(key.text)) }

    /// Writes `GET` of a session's key: the command that every check sends.
    static func appendGet(_ key: SessionKey, to output: Buffer) {
        // 61: the prefix' 18 octets and the 43 of a key's text.
        output.append("*2\r\n$3\r\nGET\r\n$61\r\ngatehouse:session:")
        key.append(to: output)
        output.append("\r\n")
    }

    /// - Parameter member: a session key's text, as the index holds it.
    static func session(_ member: [UInt8]) -> [UInt8] { sessionPrefix + member }

    /// Where nothing is kept: a write here shows that the news of writes arrive.
    static func proof() -> [UInt8] { .word("gatehouse:news:" + String(UInt64.random(in: 1...UInt64.max), radix: 16)) }

    static func index(of user: UserID) -> [UInt8] { .word("gatehouse:user:") + escaped(user.bytes) + .word(":sessions") }

    /// Letters, digits and `._@-` as they are, all else as `%` and two hexadecimal digits: no two ids become one key.
    private static func escaped(_ octets: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return octets.flatMap { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"),
                UInt8(ascii: "-"):
                [octet]
            default: [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            }
        }
    }
}

extension [UInt8] {
    /// `text` as an argument of a command.
    static func word(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// `number` in decimal, as an argument of a command.
    static func decimal(_ number: Int64) -> [UInt8] { Array(String(number).utf8) }
}
