/// One of
/// ```
/// redis://[user[:password]@]host[:6379][/database]
/// redis+sentinel://[user[:password]@]host[:26379][,host…]/service[/database]
/// redis+cluster://[user[:password]@]host[:6379][,host…]
/// ```
/// each also with `rediss` in the place of `redis`, for TLS, and then with
/// `?ca_file=…&certificate_file=…&key_file=…&server_name=…`, of which each can be left out.
package struct RedisURL: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case server
        /// What the sentinels call the master.
        case sentinel(service: String)
        case cluster
    }

    package struct Host: Equatable, Sendable {
        /// A name, or a numeric address without brackets.
        package let name: String
        package let port: UInt16

        package init(name: String, port: UInt16) {
            self.name = name
            self.port = port
        }
    }

    /// What can stand behind the `?`. The files are PEM; `serverName` is what the certificates must be of, when it is not
    /// the host that is connected to.
    package enum Parameter: String, CaseIterable, Sendable {
        case authorities = "ca_file", certificate = "certificate_file", key = "key_file", serverName = "server_name"

        var isFile: Bool { self != .serverName }
    }

    package let kind: Kind
    package let usesTLS: Bool
    /// Of the server, of sentinels, or of any servers of a cluster; at least one.
    package let hosts: [Host]
    package let database: Int
    package let username: String?
    package internal(set) var password: Secret?
    package internal(set) var parameters: [Parameter: String]

    package init(
        kind: Kind = .server, usesTLS: Bool = false, hosts: [Host], database: Int = 0, username: String? = nil,
        password: Secret? = nil, parameters: [Parameter: String] = [:]
    ) {
        self.kind = kind
        self.usesTLS = usesTLS
        self.hosts = hosts
        self.database = database
        self.username = username
        self.password = password
        self.parameters = parameters
    }
}

extension RedisURL: CustomStringConvertible {
    /// As a URL, without the password.
    package var description: String {
        let user = username.map { PercentText.encode($0) } ?? ""
        let password = URLParameters.text(redacted: password)
        let credentials = user.isEmpty && password.isEmpty ? "" : "\(user)\(password)@"
        let servers = hosts.map { NetworkAddress.text(name: $0.name, port: $0.port) }
        let path =
            switch kind {
            case .server: "/\(database)"
            case .sentinel(let service): "/\(service)/\(database)"
            case .cluster: ""
            }
        return "\(scheme)://\(credentials)\(servers.joined(separator: ","))\(path)\(URLParameters.text(parameters))"
    }

    private var scheme: String {
        let name = usesTLS ? "rediss" : "redis"
        return switch kind {
        case .server: name
        case .sentinel: "\(name)+sentinel"
        case .cluster: "\(name)+cluster"
        }
    }
}

extension RedisURL {
    /// More would each be waited for in turn.
    private static let maximumHosts = 16
    private static let maximumService = 128

    /// Whether a text that begins with `scheme` and a colon is for this type.
    static func reads(_ scheme: some StringProtocol) -> Bool {
        ["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"].contains { $0 == scheme }
    }

    /// Reads what stands behind `scheme:`. No message repeats a part that could be a password.
    init(scheme: some StringProtocol, _ rest: Substring) throws(Fault) {
        let several = scheme.cut(at: "+")?.1
        let form =
            switch several {
            case "sentinel": "\(scheme)://HOST:PORT,HOST:PORT/SERVICE/DATABASE"
            case "cluster": "\(scheme)://HOST:PORT,HOST:PORT"
            default: "\(scheme)://HOST:PORT/DATABASE"
            }
        guard rest.utf8.starts(with: "//".utf8) else { throw Fault("expected \(form)") }
        usesTLS = scheme.utf8.starts(with: "rediss".utf8)
        let (address, query) = rest.dropFirst(2).cut(at: "?").map { ($0.0, Optional($0.1)) } ?? (rest.dropFirst(2), nil)
        guard !rest.utf8.contains(UInt8(ascii: "#")), usesTLS || query == nil else {
            throw Fault("a \(scheme):// URL takes no `?` or `#`; write them as %3F or %23 in a password")
        }
        parameters = try Self.parameters(query ?? "")
        var (authority, path) = address.cut(at: "/") ?? (address, "")
        switch several {
        case "sentinel":
            let (service, database) = path.cut(at: "/") ?? (path, "")
            guard let service = Self.service(service) else {
                throw Fault("expected the name that the sentinels give the master: \(form)")
            }
            kind = .sentinel(service: service)
            path = database
        case "cluster":
            kind = .cluster
            guard path.isEmpty || path == "0" else { throw Fault("a Redis Cluster has one database: \(form)") }
        default: kind = .server
        }
        guard let number = path.isEmpty ? 0 : Decimal.parse(path.utf8), number < 65_536 else {
            throw Fault("`\(path)` is no database number")
        }
        database = Int(number)
        (username, password) = try Self.credentials(&authority)
        var hosts: [Host] = []
        let usual: UInt16 = if case .sentinel = kind { 26_379 } else { 6_379 }
        for text in authority.split(separator: ",", omittingEmptySubsequences: false) {
            guard let host = NetworkAddress.server(text, usualPort: usual) else {
                throw Fault("the host and port behind \(scheme):// cannot be read")
            }
            hosts.append(Host(name: host.name, port: host.port))
        }
        guard hosts.count == 1 || (kind != .server && hosts.count <= Self.maximumHosts) else {
            throw Fault(
                kind == .server
                    ? "a \(scheme):// URL names one host; several are for \(scheme)+sentinel:// and \(scheme)+cluster://"
                    : "a \(scheme):// URL names at most \(Self.maximumHosts) hosts")
        }
        self.hosts = hosts
    }

    private static func service(_ text: Substring) -> String? {
        let isName = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isName && (1...maximumService).contains(text.utf8.count) ? String(text) : nil
    }

    /// Takes `user:password@` off the front.
    private static func credentials(_ authority: inout Substring) throws(Fault) -> (String?, Secret?) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let credentials = authority[..<at]
        authority = authority[authority.index(after: at)...]
        let (user, secret) = credentials.cut(at: ":") ?? (credentials, "")
        guard let user = PercentText.decode(user), let secret = PercentText.decode(secret) else {
            throw Fault("the user or password is not well percent-encoded")
        }
        return (user.isEmpty ? nil : user, secret.isEmpty ? nil : Secret(octets: Array(secret.utf8), file: nil))
    }

    private static func parameters(_ query: Substring) throws(Fault) -> [Parameter: String] {
        let parameters = try URLParameters.read(query, scheme: "rediss") { (parameter: Parameter, value) throws(Fault) in
            guard parameter.isFile || NetworkAddress.octets(value) != nil || NetworkAddress.isHostName(value) else {
                throw Fault("the value of \(parameter.rawValue) is no host name")
            }
        }
        guard (parameters[.certificate] == nil) == (parameters[.key] == nil) else {
            throw Fault("certificate_file and key_file are given together or not at all")
        }
        return parameters
    }
}
