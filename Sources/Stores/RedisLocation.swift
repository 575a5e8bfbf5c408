package import Loop

/// Who we are to a Redis server, and how we speak to it.
package struct RedisLogin: Sendable {
    package var database: Int
    /// The ACL user (Redis 6); nil: the default user.
    package var user: [UInt8]?
    package var password: [UInt8]?
    /// Nil: in plain.
    package var tls: TLSContext?

    package init(database: Int = 0, user: [UInt8]? = nil, password: [UInt8]? = nil, tls: TLSContext? = nil) {
        self.database = database
        self.user = user
        self.password = password
        self.tls = tls
    }

    /// Says who we are; nil: nothing is to be said.
    var authentication: RedisCommand? {
        password.map { RedisCommand("AUTH", (user.map { [$0] } ?? []) + [$0]) }
    }
}

/// Where a Redis server listens.
package struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, or a numeric address without brackets.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// What another server said: nil unless it can be looked up or connected to.
    init?(host: [UInt8], port: Int64) {
        // The longest name of DNS is 253 octets long; an address is shorter.
        guard (1...253).contains(host.count), let port = UInt16(exactly: port), port > 0,
            host.allSatisfy({ octet in
                switch octet {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            })
        else { return nil }
        self.init(host: String(decoding: host, as: UTF8.self), port: port)
    }

    package var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A Redis server, the database in it, and who we are to it.
package struct RedisLocation: Sendable, CustomStringConvertible {
    package var endpoint: RedisEndpoint
    package var login: RedisLogin

    package init(_ endpoint: RedisEndpoint, _ login: RedisLogin) {
        self.endpoint = endpoint
        self.login = login
    }

    package init(host: String, port: UInt16 = 6_379, database: Int = 0, user: [UInt8]? = nil, password: [UInt8]? = nil) {
        self.init(RedisEndpoint(host: host, port: port), RedisLogin(database: database, user: user, password: password))
    }

    /// The address without user and password, for logs.
    package var description: String { "\(login.tls == nil ? "redis" : "rediss")://\(endpoint)/\(login.database)" }
}
