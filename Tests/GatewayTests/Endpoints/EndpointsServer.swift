import Access
import Glibc
import Loop
import Secrets
import Synchronization
import Testing
import Wire

@testable import Gateway

/// The endpoints behind a real listener; what is not theirs is answered as by a route that takes signed-in people only.
final class EndpointsServer: Sendable {
    let server: Server
    let address: SocketAddress
    let contents = StoreContents()
    let configuration: GatewayConfiguration
    let notes: Notes

    final class Notes: Sendable {
        let all = Mutex<[String?]>([])
    }

    static func start(
        https: Bool = false, queue: Int = 64, _ change: (inout GatewayConfiguration) -> Void = { _ in }
    ) async throws -> EndpointsServer {
        let route = try Route(index: 0, path: bytes("/token-only"), upstream: "profile", accepts: .token)
        let all = try Route(index: 1, path: bytes("/"), upstream: "profile")
        let key = try TokenKey(secret: HMACSHA256Key(secret: bytes("0123456789abcdef0123456789abcdef")))
        var login = GatewayConfiguration.Login()
        login.passwordPolicy = try .bcrypt(cost: 4)
        var configuration = GatewayConfiguration(
            publicURL: .init(isHTTPS: https, authority: bytes("gate.example")), routes: RouteTable(routes: [route, all]),
            routeUpstreams: [0, 0], upstreams: [],
            identityHeaders: [
                .init(name: bytes("X-User-Id"), attribute: .id), .init(name: bytes("X-User-Name"), attribute: .username),
                .init(name: bytes("X-User-Role"), attribute: .role),
            ],
            sessionCookie: bytes(https ? "__Host-session_id" : "session_id"), tokenCookie: bytes(https ? "__Host-token" : "token"),
            login: login, sessionPolicy: SessionPolicy(lifetime: 43_200_000, idleTimeout: 1_800_000),
            tokens: TokenAuthority(keys: try TokenKeys([key]), lifetime: 900_000), pseudonym: bytes("gatehouse-test"))
        change(&configuration)
        return try await EndpointsServer(configuration, queue: queue)
    }

    private init(_ configuration: GatewayConfiguration, queue: Int) async throws {
        self.configuration = configuration
        notes = Notes()
        let pool = try BlockingPool(name: "hash", threads: 1, queue: queue)
        let contents = contents
        let notes = notes
        let hash = try PasswordPolicy.bcrypt(cost: 4).hash(bytes("secret123"))
        contents.state.withLock { state in
            for (id, name, role, isDisabled) in [("101", "alice", "user", false), ("102", "bob", "", false), ("103", "eve", "user", true)] {
                guard let id = try? UserID(id) else { continue }
                state.users.append(UserRecord(id: id, username: name, passwordHash: hash, role: role, isDisabled: isDisabled))
            }
        }
        server = try Server(workers: 1)
        let any = try #require(SocketAddress(numeric: "127.0.0.1:0"))
        address = try await server.listen(
            Service(address: any) { _ in
                let stores = GatewayStores(
                    sessions: FakeSessions(contents), users: FakeUsers(contents), throttle: FakeThrottle(contents), hashing: pool,
                    lookups: pool)
                return EndpointsHandler(configuration, stores, notes)
            })
    }

    private final class EndpointsHandler: Handler {
        let endpoints: Endpoints
        let configuration: GatewayConfiguration
        let notes: Notes

        init(_ configuration: GatewayConfiguration, _ stores: GatewayStores, _ notes: Notes) {
            let authenticator = Authenticator(configuration: configuration, sessions: stores.sessions)
            endpoints = Endpoints(configuration: configuration, stores: stores, authenticator: authenticator, audit: nil)
            self.configuration = configuration
            self.notes = notes
        }

        func handle(_ exchange: Exchange) async {
            if let endpoint = endpoints.match(exchange) { return await endpoints.serve(exchange, endpoint) }
            let bytes = exchange.head.bytes
            exchange.route = configuration.routes.match(
                host: bytes.span(exchange.head.host), path: bytes.span(exchange.head.path))
            await exchange.answer(endpoints.signInFirst(exchange, .notSignedIn))
        }

        func record(_ exchange: Exchange) {
            let note = exchange.note
            notes.all.withLock { $0.append(note) }
        }
        func tick() {}
    }

    var lastNote: String? { notes.all.withLock { $0.last ?? nil } }

    // MARK: Asking

    func ask(_ method: String, _ target: String, _ fields: [String] = [], _ content: String = "") throws -> Reply {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: gate.example\r\nConnection: close\r\n"
        for field in fields { text += field + "\r\n" }
        if !content.isEmpty || method == "POST" { text += "Content-Length: \(content.utf8.count)\r\n" }
        return try Reply(exchange(bytes(text + "\r\n" + content)))
    }

    func signIn(
        _ username: String = "alice", _ password: String = "secret123", target: String = "/login", fields: [String] = []
    ) throws -> Reply {
        try ask(
            "POST", target, ["Content-Type: application/json"] + fields,
            "{\"username\":\"\(username)\",\"password\":\"\(password)\"}")
    }

    static let formFields = [
        "Content-Type: application/x-www-form-urlencoded", "Origin: http://gate.example", "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: navigate", "Accept: text/html",
    ]

    func signInByForm(_ content: String, target: String = "/login", fields: [String] = []) throws -> Reply {
        try ask("POST", target, EndpointsServer.formFields + fields, content)
    }

    private func exchange(_ request: [UInt8]) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let sent = unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
        try #require(sent == request.count)
        var reply: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &piece, piece.count, 0)
            if count <= 0 { return reply }
            reply += piece.prefix(count)
        }
    }

    func stop() async { _ = await server.stop(drain: 100) }
}

/// A response, taken apart.
struct Reply {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: String

    init(_ octets: [UInt8]) throws {
        let text = String(decoding: octets, as: UTF8.self)
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        status = try #require(Int(lines[0].split(separator: " ")[1]))
        fields = lines.dropFirst().compactMap { line in
            guard let colon = line.firstRange(of: ": ") else { return nil }
            return (line[..<colon.lowerBound].lowercased(), String(line[colon.upperBound...]))
        }
        body = String(text[end.upperBound...])
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// `name=value` of the cookie that was set, for a Cookie line.
    var cookie: String { String((self["set-cookie"] ?? "").prefix { $0 != ";" }) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
