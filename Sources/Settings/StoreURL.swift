/// Which store, and where it is.
package enum StoreURL: Equatable, Sendable {
    /// The database file; absolute once the settings are loaded.
    case sqlite(path: String)
    case postgresql(PostgreSQLURL)
    case redis(RedisURL)
    /// Ends with the process.
    case memory
}

package struct RedisURL: Equatable, Sendable {
    package let host: String
    package let port: UInt16
    package let database: Int
    package let username: String?
    package internal(set) var password: Secret?
}

extension StoreURL: CustomStringConvertible {
    /// As a URL, without the password.
    package var description: String {
        switch self {
        case .sqlite(let path): return "sqlite:\(path)"
        case .memory: return "memory:"
        case .postgresql(let postgresql): return postgresql.description
        case .redis(let redis):
            let host = redis.host.utf8.contains(UInt8(ascii: ":")) ? "[\(redis.host)]" : redis.host
            let user = redis.username.map { PercentText.encode($0) } ?? ""
            // A password of its own key or file is printed there.
            let password = redis.password.map { $0.file == nil ? ":\(PercentText.encode(Secret.redacted))" : "" } ?? ""
            let credentials = user.isEmpty && password.isEmpty ? "" : "\(user)\(password)@"
            return "redis://\(credentials)\(host):\(redis.port)/\(redis.database)"
        }
    }
}

/// RFC 3986 2.1.
enum PercentText {
    static func encode(_ text: String) -> String {
        var out = ""
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(octet))
            default:
                out += octet < 16 ? "%0" : "%"
                out += String(octet, radix: 16, uppercase: true)
            }
        }
        return out
    }

    /// nil when an escape is broken or the octets are no UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var octets: [UInt8] = []
        var rest = text.utf8[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                octets.append(octet)
                continue
            }
            guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else { return nil }
            octets.append(high << 4 | low)
        }
        return String(validating: octets, as: UTF8.self)
    }

    private static func hex(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): (octet | 0x20) - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension Codec where Value == StoreURL {
    /// The sessions' store.
    static var sessionStore: Self {
        store(
            pattern: "^(sqlite:.+|postgres(ql)?://.+|redis://.+|memory:)$",
            forms: "sqlite:FILE, postgresql://USER@HOST:PORT/DATABASE, redis://HOST:PORT/DATABASE or memory:")
    }

    /// The users' store: what a process forgets at its end is no place for them.
    static var userStore: Self {
        let forms = "sqlite:FILE or postgresql://USER@HOST:PORT/DATABASE"
        let any = store(pattern: "^(sqlite:.+|postgres(ql)?://.+)$", forms: forms)
        return Codec(
            schema: any.schema,
            parse: { (text) throws(Fault) in
                let location = try any.parse(text)
                switch location {
                case .sqlite, .postgresql: return location
                case .redis, .memory: throw Fault("users are kept in SQLite or PostgreSQL: \(forms)")
                }
            },
            write: any.write)
    }

    private static func store(pattern: String, forms: String) -> Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string(pattern))],
            parse: { (text) throws(Fault) in
                guard let (scheme, rest) = text.cut(at: ":") else { throw Fault("expected \(forms)") }
                switch scheme {
                case "memory" where rest.isEmpty: return .memory
                case "memory": throw Fault("`memory:` takes nothing behind the colon")
                case "sqlite": return .sqlite(path: try sqlitePath(rest))
                case "redis": return .redis(try redis(rest))
                case "rediss": throw Fault("TLS towards Redis is not available in this version; use redis://")
                case "postgresql", "postgres": return .postgresql(try PostgreSQLURL(afterScheme: rest))
                default: throw Fault("there is no store of the kind `\(scheme):`; expected \(forms)")
                }
            },
            write: { .text($0.description) })
    }

    private static func sqlitePath(_ rest: Substring) throws(Fault) -> String {
        var path = rest
        if path.utf8.starts(with: "//".utf8) {
            guard path.utf8.starts(with: "///".utf8) else {
                throw Fault("expected sqlite:FILE, or sqlite:///FILE for an absolute path")
            }
            path = path.dropFirst(2)
        }
        guard !path.isEmpty, !path.utf8.contains(0), path != ":memory:", path.utf8.last != UInt8(ascii: "/") else {
            throw Fault("expected the path of a database file behind sqlite:")
        }
        return String(path)
    }

    private static func redis(_ rest: Substring) throws(Fault) -> RedisURL {
        guard rest.utf8.starts(with: "//".utf8) else { throw Fault("expected redis://HOST:PORT/DATABASE") }
        if rest.utf8.contains(where: { "?#".utf8.contains($0) }) {
            throw Fault("a redis:// URL takes no `?` or `#`; write them as %3F or %23 in a password")
        }
        var authority = rest.dropFirst(2)
        var database: UInt64 = 0
        if let (before, path) = authority.cut(at: "/") {
            guard let number = path.isEmpty ? 0 : Decimal.parse(path.utf8), number < 65_536 else {
                throw Fault("`\(path)` is no database number")
            }
            (authority, database) = (before, number)
        }
        var username: String?
        var password: Secret?
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at]
            authority = authority[authority.index(after: at)...]
            let (user, secret) = credentials.cut(at: ":") ?? (credentials, "")
            guard let user = PercentText.decode(user), let secret = PercentText.decode(secret) else {
                throw Fault("the user or password is not well percent-encoded")
            }
            username = user.isEmpty ? nil : user
            password = secret.isEmpty ? nil : Secret(octets: Array(secret.utf8), file: nil)
        }
        guard let parts = NetworkAddress.split(authority),
            (NetworkAddress.octets(parts.host)?.count == 16) == parts.isBracketed,
            parts.isBracketed || NetworkAddress.isHostName(parts.host),
            let port = parts.port.map({ NetworkAddress.port($0, 1...65_535) }) ?? 6_379
        else { throw Fault("the host and port behind redis:// cannot be read") }
        return RedisURL(
            host: parts.host.lowercased(), port: port, database: Int(database), username: username, password: password)
    }
}
