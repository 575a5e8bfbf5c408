/// A PostgreSQL database, the servers that may have it, and who we are to them.
package struct PostgreSQLLocation: Equatable, Sendable, CustomStringConvertible {
    package struct Host: Equatable, Sendable {
        /// A name, a numeric address without brackets, or the absolute path of the folder of a Unix socket.
        package var name: String
        package var port: UInt16

        package init(name: String, port: UInt16 = 5_432) {
            self.name = name
            self.port = port
        }
    }

    /// Tried in order; at least one.
    package var hosts: [Host]
    package var database: String
    package var user: String
    /// Nil: libpq looks into its password file (`~/.pgpass`), and most servers then refuse.
    package var password: [UInt8]?
    /// libpq's own names and values: `sslmode`, `sslrootcert`, `application_name`, `target_session_attrs`.
    package var parameters: [String: String]
    /// Seconds for one server to take a connection; nil: `PostgreSQLTimeouts.connect`.
    package var connectTimeout: Int?

    package init(
        hosts: [Host], database: String, user: String, password: [UInt8]? = nil, parameters: [String: String] = [:],
        connectTimeout: Int? = nil
    ) {
        self.hosts = hosts
        self.database = database
        self.user = user
        self.password = password
        self.parameters = parameters
        self.connectTimeout = connectTimeout
    }

    /// The address without user, password and parameters, for logs.
    package var description: String {
        let servers = hosts.map { host in
            let isBracketed = host.name.utf8.contains(UInt8(ascii: ":")) && host.name.utf8.first != UInt8(ascii: "/")
            return "\(isBracketed ? "[\(host.name)]" : host.name):\(host.port)"
        }
        return "postgresql://\(servers.joined(separator: ","))/\(database)"
    }

    /// What libpq is told about `host`.
    func keywords(for host: Host) -> [(name: String, value: [UInt8])] {
        var keywords: [(String, String)] = [
            ("host", host.name), ("port", "\(host.port)"), ("dbname", database), ("user", user),
            ("application_name", "gatehouse"), ("client_encoding", "UTF8"),
            // A Kerberos library would wait for its own servers, by no deadline of ours.
            ("gssencmode", "disable"),
            // The kernel finds out within a minute that a peer has vanished, and keeps the memory of firewalls fresh.
            ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
        ]
        keywords += parameters.sorted { $0.key < $1.key }
        // Of a keyword that is given twice libpq takes the last.
        let texts = keywords.map { (name: $0.0, value: Array($0.1.utf8)) }
        return password.map { texts + [(name: "password", value: $0)] } ?? texts
    }
}

/// How long PostgreSQL is waited for, in milliseconds.
package struct PostgreSQLTimeouts: Sendable {
    /// For one server to take a connection: connect, TLS and authentication together.
    package var connect: Int64 = 1_000
    /// For one call of a check or a sign-in. The server itself ends a statement that takes longer.
    package var statement: Int64 = 1_000
    /// For lists, purges, and for revoking many sessions.
    package var list: Int64 = 10_000
    /// For bringing the schema up to date, the wait for another gateway that does so included.
    package var migration: Int64 = 60_000

    package init() {}
}
