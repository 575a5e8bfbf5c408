import Glibc
import Loop
import Synchronization

/// An authority of our own, with a certificate for 127.0.0.1 and redis.example, one that is out of date, and one of a client;
/// and another authority, whom nobody trusts.
final class Certificates: Sendable {
    /// Made once: each key costs a moment.
    static let shared = Result {
        let certificates = try Certificates()
        made.withLock { $0 = certificates }
        atexit { Certificates.made.withLock { $0?.folder.remove() } }
        return certificates
    }
    private static let made = Mutex<Certificates?>(nil)

    private let folder: TemporaryFolder

    private init() throws {
        folder = try TemporaryFolder()
        try authority("ca")
        try authority("stranger")
        try certificate("server", "subjectAltName=IP:127.0.0.1,DNS:redis.example")
        try certificate("elsewhere", "subjectAltName=DNS:elsewhere.example")
        try certificate("client", "extendedKeyUsage=clientAuth")
        try certificate("old", "subjectAltName=IP:127.0.0.1", days: "-1")
    }

    func path(_ name: String) -> String { folder.file(name) }

    /// A client that trusts the authority.
    var client: TLSContext.Files { TLSContext.Files(authorities: path("ca.crt")) }

    var clientWithCertificate: TLSContext.Files {
        TLSContext.Files(authorities: path("ca.crt"), certificate: path("client.crt"), key: path("client.key"))
    }

    /// A redis-server that also listens with TLS.
    func serverOptions(port: UInt16, certificate: String = "server", clients: String = "no") -> [String] {
        [
            "--tls-port", "\(port)", "--tls-cert-file", path("\(certificate).crt"), "--tls-key-file", path("\(certificate).key"),
            "--tls-ca-cert-file", path("ca.crt"), "--tls-auth-clients", clients,
        ]
    }

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private func authority(_ name: String) throws {
        try run(
            ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).crt")] + Self.key)
    }

    private func certificate(_ name: String, _ extensions: String, days: String = "2") throws {
        try run(["req", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).csr")] + Self.key)
        try TemporaryFolder.write(extensions + "\n", to: path("\(name).ext"))
        try run([
            "x509", "-req", "-in", path("\(name).csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", days,
            "-extfile", path("\(name).ext"), "-out", path("\(name).crt"),
        ])
    }

    private func run(_ arguments: [String]) throws {
        guard try ChildProcess(["openssl"] + arguments).succeeds() else {
            throw TestFailure("openssl \(arguments.joined(separator: " ")) failed")
        }
    }
}
