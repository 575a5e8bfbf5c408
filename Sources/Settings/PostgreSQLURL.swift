/// `postgresql://user[:password]@host[:port][,host[:port]…]/database[?parameter=value&…]`
package struct PostgreSQLURL: Equatable, Sendable {
    package struct Host: Equatable, Sendable {
        /// A name, a numeric address, or the absolute path of the folder of a Unix socket.
        package let name: String
        package let port: UInt16

        package init(name: String, port: UInt16) {
            self.name = name
            self.port = port
        }

        fileprivate var isLocal: Bool {
            name == "localhost" || name == "::1" || name.utf8.starts(with: "127.".utf8) || name.utf8.first == UInt8(ascii: "/")
        }
    }

    /// What can stand behind the `?`; libpq knows more, which would let an address do what the rest of the settings say.
    package enum Parameter: String, CaseIterable, Sendable {
        case sslmode, sslrootcert, applicationName = "application_name", connectTimeout = "connect_timeout",
            targetSessionAttrs = "target_session_attrs"

        /// Nil: anything that is no control character.
        fileprivate var choices: [String]? {
            switch self {
            case .sslmode: ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
            // A gateway writes: a server that takes no changes is no use to it.
            case .targetSessionAttrs: ["any", "read-write", "primary"]
            case .sslrootcert, .applicationName, .connectTimeout: nil
            }
        }
    }

    package let hosts: [Host]
    package let database: String
    package let username: String
    package internal(set) var password: Secret?
    package internal(set) var parameters: [Parameter: String]

    /// Seconds.
    package var connectTimeout: Int? { parameters[.connectTimeout].flatMap { Int($0) } }

    /// Whether passwords and sessions travel to somebody who need not be the server, or for others to read.
    var isExposed: Bool {
        let isVerified = ["verify-ca", "verify-full"].contains(parameters[.sslmode])
        return !isVerified && hosts.contains { !$0.isLocal }
    }
}

extension PostgreSQLURL: CustomStringConvertible {
    /// As a URL, without the password.
    package var description: String {
        let servers = hosts.map { host in
            host.name.utf8.first == UInt8(ascii: "/")
                ? "\(PercentText.encode(host.name)):\(host.port)" : NetworkAddress.text(name: host.name, port: host.port)
        }
        return "postgresql://\(PercentText.encode(username))\(URLParameters.text(redacted: password))@\(servers.joined(separator: ","))/"
            + PercentText.encode(database) + URLParameters.text(parameters)
    }
}

extension PostgreSQLURL {
    private static let form = "postgresql://USER@HOST:PORT/DATABASE"
    /// libpq takes more; each is waited for in turn.
    private static let maximumHosts = 4
    /// NAMEDATALEN of PostgreSQL, less its end: longer names are cut off there, and meet another.
    private static let maximumName = 63

    /// Reads what stands behind `postgresql:`. No message repeats a part that could be a password.
    init(afterScheme rest: Substring) throws(Fault) {
        guard rest.utf8.starts(with: "//".utf8) else { throw Fault("expected \(Self.form)") }
        guard !rest.utf8.contains(UInt8(ascii: "#")) else {
            throw Fault("a postgresql:// URL takes no `#`; write it as %23 in a password")
        }
        let (address, query) = rest.dropFirst(2).cut(at: "?") ?? (rest.dropFirst(2), "")
        guard let (authority, path) = address.cut(at: "/"), let database = Self.name(path) else {
            throw Fault("expected the name of a database: \(Self.form)")
        }
        guard let at = authority.lastIndex(of: "@") else { throw Fault("expected a user: \(Self.form)") }
        let credentials = authority[..<at]
        let (user, secret) = credentials.cut(at: ":") ?? (credentials, "")
        guard let username = Self.name(user) else { throw Fault("expected a user: \(Self.form)") }
        guard let secret = PercentText.decode(secret), !secret.utf8.contains(0) else {
            throw Fault("the password is not well percent-encoded")
        }
        self.database = database
        self.username = username
        password = secret.isEmpty ? nil : Secret(octets: Array(secret.utf8), file: nil)
        hosts = try Self.hosts(authority[authority.index(after: at)...])
        parameters = try Self.parameters(query)
    }

    /// Of a user or a database; nil where there is none.
    private static func name(_ text: Substring) -> String? {
        guard !text.utf8.contains(UInt8(ascii: "/")), let name = PercentText.decode(text), (1...maximumName).contains(name.utf8.count),
            URLParameters.isPrintable(name)
        else { return nil }
        return name
    }

    private static func hosts(_ text: Substring) throws(Fault) -> [Host] {
        let texts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard texts.count <= maximumHosts else { throw Fault("a postgresql:// URL names at most \(maximumHosts) hosts") }
        var hosts: [Host] = []
        for text in texts {
            guard let host = host(text) else { throw Fault("the host and port behind postgresql:// cannot be read") }
            hosts.append(host)
        }
        return hosts
    }

    private static func host(_ text: Substring) -> Host? {
        guard let parts = NetworkAddress.split(text), let port = parts.port.map({ NetworkAddress.port($0, 1...65_535) }) ?? 5_432
        else { return nil }
        if let folder = PercentText.decode(parts.host), folder.utf8.first == UInt8(ascii: "/") {
            // libpq takes a comma for the beginning of another host.
            return URLParameters.isPrintable(folder) && !folder.utf8.contains(UInt8(ascii: ",")) ? Host(name: folder, port: port) : nil
        }
        return NetworkAddress.server(text, usualPort: 5_432).map { Host(name: $0.name, port: $0.port) }
    }

    private static func parameters(_ query: Substring) throws(Fault) -> [Parameter: String] {
        try URLParameters.read(query, scheme: "postgresql") { (parameter: Parameter, value) throws(Fault) in
            if let choices = parameter.choices, !choices.contains(value) {
                throw Fault("\(parameter.rawValue) is one of \(choices.joined(separator: ", "))")
            }
            if parameter == .connectTimeout, !(1...60).contains(Decimal.parse(value.utf8) ?? 0) {
                throw Fault("connect_timeout is a whole number of seconds from 1 to 60")
            }
        }
    }
}
