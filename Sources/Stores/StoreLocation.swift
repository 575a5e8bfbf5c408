/// Where a store keeps its records, as written in the settings.
///
/// | text | meaning |
/// | --- | --- |
/// | `sqlite:PATH` | a SQLite file; relative to the working directory unless it starts with `/` |
/// | `redis://[[user]:password@]host[:port][/database]` | a Redis server; user and password percent-encoded |
/// | `memory:` | this process's memory; gone when it ends |
package enum StoreLocation: Equatable, Sendable, CustomStringConvertible {
    case sqlite(path: String)
    case redis(RedisLocation)
    case memory

    package init(_ text: String) throws(StoreLocationError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 4_096 else { throw StoreLocationError("a store's address is longer than 4096 octets") }
        // Refused for every kind: a NUL would end a path early, and a line break would forge a log line.
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw StoreLocationError("a store's address holds a control character")
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw StoreLocationError("a store's address starts with sqlite:, redis:// or memory:")
        }
        let rest = bytes[(colon + 1)...]
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self)
        switch scheme {
        case "sqlite":
            self = .sqlite(path: try Self.path(rest))
        case "redis":
            self = .redis(try RedisLocation(afterScheme: rest))
        case "memory":
            guard rest.isEmpty else { throw StoreLocationError("memory: takes nothing after the colon") }
            self = .memory
        case "rediss":
            throw StoreLocationError("rediss:// (Redis over TLS) is not supported yet; use redis:// on a private network")
        case "postgresql", "postgres":
            throw StoreLocationError("a \(scheme):// address is read with the settings, and not here")
        default:
            // The text is not repeated: an address of an unknown form may hold a password anywhere.
            throw StoreLocationError("a store's address starts with sqlite:, redis:// or memory:")
        }
    }

    private static func path(_ rest: ArraySlice<UInt8>) throws(StoreLocationError) -> String {
        var path = rest
        if path.starts(with: "//".utf8) {
            path = path.dropFirst(2)
            guard path.first == UInt8(ascii: "/") else {
                throw StoreLocationError("sqlite:// is followed by an absolute path, or write sqlite:PATH for a relative one")
            }
        }
        guard !path.isEmpty else { throw StoreLocationError("sqlite: is followed by the path of a file") }
        // SQLite would read these as an address or as a database that no other connection sees.
        guard !path.starts(with: ":".utf8), !path.starts(with: "file:".utf8) else {
            throw StoreLocationError("sqlite: is followed by the path of a file; for a store in memory write memory:")
        }
        return String(decoding: path, as: UTF8.self)
    }

    /// The address without its password, for logs.
    package var description: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .redis(let location): location.description
        case .memory: "memory:"
        }
    }
}

/// Why a text is no address of a store: one sentence that repeats no part which could be a password.
package struct StoreLocationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
