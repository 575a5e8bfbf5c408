/// A Redis server, the database in it, and who we are to it.
package struct RedisLocation: Equatable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: UInt16
    package var database: Int
    /// The ACL user (Redis 6); nil: the default user.
    package var user: [UInt8]?
    package var password: [UInt8]?

    package init(host: String, port: UInt16 = 6_379, database: Int = 0, user: [UInt8]? = nil, password: [UInt8]? = nil) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
    }

    /// The address without user and password, for logs.
    package var description: String {
        "redis://\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)/\(database)"
    }

    /// Reads `//[[user]:password@]host[:port][/database]`.
    init(afterScheme text: ArraySlice<UInt8>) throws(StoreLocationError) {
        guard text.starts(with: "//".utf8) else {
            throw StoreLocationError("a Redis address has the form redis://[user:password@]host[:port][/database]")
        }
        var rest = text.dropFirst(2)
        guard !rest.contains(UInt8(ascii: "?")), !rest.contains(UInt8(ascii: "#")) else {
            throw StoreLocationError("a Redis address has no query and no fragment; write ? and # of a password as %3F and %23")
        }
        database = 0
        if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            let digits = rest[(slash + 1)...]
            if !digits.isEmpty {
                guard let number = Self.number(digits, atMost: 9_999) else {
                    throw StoreLocationError("the database of a Redis address is a number, as in redis://host:6379/0")
                }
                database = number
            }
            rest = rest[..<slash]
        }
        (user, password) = (nil, nil)
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            (user, password) = try Self.credentials(rest[..<at])
            rest = rest[(at + 1)...]
        }
        (host, port) = try Self.authority(rest)
    }

    private static func credentials(
        _ text: ArraySlice<UInt8>
    ) throws(StoreLocationError) -> (user: [UInt8]?, password: [UInt8]?) {
        // A bare "secret@host" is read by some clients as a user, by others as a password: ask for the colon.
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            throw StoreLocationError("a Redis address with a password has the form redis://:password@host or redis://user:password@host")
        }
        guard let user = percentDecoded(text[..<colon]), let password = percentDecoded(text[(colon + 1)...]) else {
            throw StoreLocationError("the user or password of a Redis address has a % that two hexadecimal digits do not follow")
        }
        guard !password.isEmpty else { throw StoreLocationError("the password of a Redis address is empty") }
        return (user.isEmpty ? nil : user, password)
    }

    private static func authority(_ text: ArraySlice<UInt8>) throws(StoreLocationError) -> (String, UInt16) {
        var host = text
        var port: ArraySlice<UInt8>?
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else {
                throw StoreLocationError("the IPv6 address of a Redis address has no closing ]")
            }
            host = text[(text.startIndex + 1)..<end]
            let rest = text[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else {
                throw StoreLocationError("the IPv6 address of a Redis address is followed by : and a port, or by nothing")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            host = text[..<colon]
            port = text[(colon + 1)...]
        }
        let isHostOctet: (UInt8) -> Bool = { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: ":"):
                true
            default: false
            }
        }
        guard !host.isEmpty, host.count <= 255, host.allSatisfy(isHostOctet) else {
            throw StoreLocationError("a Redis address names a host, as in redis://127.0.0.1:6379/0")
        }
        let name = String(decoding: host, as: UTF8.self)
        guard let port else { return (name, 6_379) }
        guard let number = number(port, atMost: 65_535), number > 0 else {
            throw StoreLocationError("the port of a Redis address is a number from 1 to 65535")
        }
        return (name, UInt16(number))
    }

    private static func number(_ digits: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
        guard !digits.isEmpty, digits.count <= 5 else { return nil }
        var number = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number <= limit ? number : nil
    }

    /// RFC 3986 2.1; nil when a `%` is not followed by two hexadecimal digits.
    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == UInt8(ascii: "%") else {
                decoded.append(text[index])
                index += 1
                continue
            }
            guard text.endIndex - index > 2, let high = hexadecimal(text[index + 1]), let low = hexadecimal(text[index + 2])
            else { return nil }
            decoded.append(high << 4 | low)
            index += 3
        }
        return decoded
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
