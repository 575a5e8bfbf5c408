import Access
import Gateway
import Glibc
import Logging
import Loop
import Profile
import Secrets
import Settings

/// A gateway with alice and a profile service, in one process.
struct RunningDemo {
    private let gateway: RunningGateway
    private let profiles: ProfileService

    /// Makes everything in `folder`, and serves.
    init(port: UInt16, folder: String) throws {
        try Self.checkThatNobodyListens(at: port)
        try SecretFile.generate(at: "\(folder)/token.secret")
        profiles = try CommandLoop.run { _, _ in
            let database = try ProfileDatabase(path: nil)
            try database.add(.alice)
            guard let address = SocketAddress(octets: [127, 0, 0, 1], port: 0) else { throw CommandFailure("gatehouse: no address") }
            return try await ProfileService(at: address, database: database)
        }
        let settings = try Settings.read(
            Self.text(port: port, upstream: profiles.address.text), file: "the demo's settings", folder: folder, environment: [:]
        ).settings
        try Self.addAlice(settings)
        gateway = try CommandLoop.run { _, _ in try await RunningGateway(settings) }
    }

    /// The profile service ends with the process: nobody but the gateway asks it.
    func stop() throws {
        let gateway = gateway
        _ = try CommandLoop.run { _, _ in await gateway.stop() }
    }

    /// The workers share their port (SO_REUSEPORT), and so would two gateways of one user, unasked.
    private static func checkThatNobodyListens(at port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        defer { close(descriptor) }
        // What the last gateway left behind in TIME_WAIT is nobody (socket(7)).
        var isOn: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw CommandFailure("gatehouse: \(SystemError("bind", "127.0.0.1:\(port)")); name another port with --port")
        }
    }

    private static func text(port: UInt16, upstream: String) -> String {
        """
        version: 1
        public_url: http://127.0.0.1:\(port)
        listen: [{ address: 127.0.0.1:\(port) }]
        admin: { address: "off" }
        users: { store: sqlite:gatehouse.db }
        passwords: { algorithm: bcrypt, cost: 10 }
        sessions: { store: sqlite:gatehouse.db }
        tokens: { secret_file: token.secret }
        upstreams:
          profile: { servers: ["http://\(upstream)"] }
        routes:
          - { path: /profile, upstream: profile, accept: [session, token] }
          - { path: /public/, upstream: profile, access: public }
        timeouts: { drain: 2s, drain_idle: 0s }
        log: { level: warning, access: text, audit: "off" }
        """
    }

    private static func addAlice(_ settings: Settings) throws {
        let hash = try settings.passwordPolicy().hash(Array("secret123".utf8))
        let alice = try NewUser(id: try UserID("101"), username: try UserName("alice"), passwordHash: hash, role: "user")
        _ = try CommandStores.run(settings, create: true) { stores in try await stores.ownUsers().insert(alice, now: Moment.now) }
    }
}
