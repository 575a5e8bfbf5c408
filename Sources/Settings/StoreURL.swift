/// Which store, and where it is.
package enum StoreURL: Equatable, Sendable {
    /// The database file; absolute once the settings are loaded.
    case sqlite(path: String)
    case postgresql(PostgreSQLURL)
    case redis(RedisURL)
    /// Ends with the process.
    case memory
}

extension StoreURL: CustomStringConvertible {
    /// As a URL, without the password.
    package var description: String {
        switch self {
        case .sqlite(let path): return "sqlite:\(path)"
        case .memory: return "memory:"
        case .postgresql(let postgresql): return postgresql.description
        case .redis(let redis): return redis.description
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
            pattern: "^(sqlite:.+|postgres(ql)?://.+|rediss?(\\+sentinel|\\+cluster)?://.+|memory:)$",
            forms: "sqlite:FILE, postgresql://USER@HOST:PORT/DATABASE, redis://HOST:PORT/DATABASE, "
                + "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE, redis+cluster://HOST:PORT,HOST:PORT (rediss for TLS) or memory:")
    }

    /// The users' store: what a process forgets at its end is no place for them.
    static var userStore: Self { database(of: "users") }

    /// Where failed sign-ins are counted, which a restart must not forget.
    static var failureStore: Self { database(of: "counts of failed sign-ins") }

    private static func database(of what: String) -> Self {
        let forms = "sqlite:FILE or postgresql://USER@HOST:PORT/DATABASE"
        let any = store(pattern: "^(sqlite:.+|postgres(ql)?://.+)$", forms: forms)
        return Codec(
            schema: any.schema,
            parse: { (text) throws(Fault) in
                let location = try any.parse(text)
                switch location {
                case .sqlite, .postgresql: return location
                case .redis, .memory: throw Fault("\(what) are kept in SQLite or PostgreSQL: \(forms)")
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
                case let scheme where RedisURL.reads(scheme): return .redis(try RedisURL(scheme: scheme, rest))
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
}
