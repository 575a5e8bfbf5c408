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
}
