import CPostgreSQL
import Glibc
import Stores
import Synchronization

/// A real PostgreSQL server: made by initdb in a folder of its own, on a free port of the loopback address, run as a
/// user without privileges. It can be stopped and started again.
final class PostgreSQLServer: Sendable {
    /// The one that tests share, each with a database of its own.
    static let shared = Result { try PostgreSQLServer(["fsync=off"]).untilExit() }
    /// The one that is restarted and stopped. It writes to the disk as servers do by default, and offers TLS.
    static let ownedByFailures = Result { try PostgreSQLServer(["ssl=on"]).untilExit() }

    private static let running = Mutex<[PostgreSQLServer]>([])

    /// It ends with the test run.
    private func untilExit() -> PostgreSQLServer {
        let isFirst = Self.running.withLock { running in
            running.append(self)
            return running.count == 1
        }
        if isFirst { atexit { PostgreSQLServer.running.withLock { running in running.forEach { $0.remove() } } } }
        return self
    }

    /// The role that the stores under test have: no superuser.
    static let role = "gate"
    static let password = "p@ss word/'\\"

    let port: UInt16
    let folder: String
    private let arguments: [String]
    private let process: Mutex<pid_t?>
    private let databases = Mutex(0)

    /// - Parameter settings: of postgresql.conf.
    init(_ settings: [String] = []) throws {
        let programs = try Self.programs()
        let user = Self.user
        let folder = try TemporaryFolder.make("postgres")
        self.folder = folder
        if let user { unsafe chown(folder, user.id, user.group) }
        // postgres refuses to be root.
        let drop =
            user.map { ["setpriv", "--reuid=\($0.id)", "--regid=\($0.group)", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin"] } ?? []
        try Self.run(
            drop + [
                "\(programs)/initdb", "-D", "\(folder)/data", "-U", "admin", "--auth-local=trust", "--auth-host=scram-sha-256",
                "--no-sync", "-E", "UTF8", "--locale=C.UTF-8",
            ])
        for name in ["server", "other"] {
            try Self.run(
                drop + [
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=db.example", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/\(name).key", "-out",
                    "\(folder)/\(name).crt",
                ])
        }
        for _ in 0..<20 {
            let port = try TCP.freePort()
            let options = [
                "listen_addresses=127.0.0.1", "unix_socket_directories=\(folder)", "max_connections=400", "shared_buffers=32MB",
                "ssl_cert_file=\(folder)/server.crt", "ssl_key_file=\(folder)/server.key",
            ]
            let arguments =
                drop + ["\(programs)/postgres", "-D", "\(folder)/data", "-p", "\(port)"] + (options + settings).flatMap { ["-c", $0] }
            // Somebody else may have taken the port in between: then the server has ended.
            guard let pid = try Self.start(arguments, folder, port) else { continue }
            self.port = port
            self.arguments = arguments
            process = Mutex(pid)
            try ask("CREATE ROLE \(Self.role) LOGIN PASSWORD '\(Self.password.replacing("'", with: "''"))'")
            return
        }
        throw TestFailure("postgres does not start")
    }

    // MARK: Its life

    private static func start(_ arguments: [String], _ folder: String, _ port: UInt16) throws -> pid_t? {
        let pid = try spawn(arguments)
        for _ in 0..<1_000 {
            guard waitpid(pid, nil, WNOHANG) == 0 else { return nil }
            if (try? ask("SELECT 1", folder, port, "postgres")) != nil { return pid }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        return nil
    }

    func start() throws {
        guard let pid = try Self.start(arguments, folder, port) else { throw TestFailure("postgres does not start again") }
        process.withLock { $0 = pid }
    }

    /// - Parameter signal: SIGINT ends it in order, cutting connections (pg_ctl's "fast"); SIGQUIT ends it as a crash does.
    func stop(_ signal: Int32) {
        process.withLock { process in
            guard let pid = process else { return }
            kill(pid, signal)
            for _ in 0..<1_000 where waitpid(pid, nil, WNOHANG) == 0 {
                usleep(10_000)
                if kill(pid, 0) != 0 { break }
            }
            process = nil
        }
    }

    /// Stops it and takes its folder away.
    private func remove() {
        stop(SIGQUIT)
        _ = try? Self.run(["rm", "-rf", folder])
    }

    /// Sends `signal` to the server and to all the processes that it has started, first those.
    func signalAll(_ signal: Int32) throws {
        guard let pid = process.withLock({ $0 }) else { throw TestFailure("postgres is not running") }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        guard let file = unsafe fopen("/proc/\(pid)/task/\(pid)/children", "r") else { throw TestFailure("no list of children") }
        defer { unsafe fclose(file) }
        let count = unsafe fread(&buffer, 1, buffer.count, file)
        for child in String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: " ") {
            if let child = pid_t(child) { kill(child, signal) }
        }
        kill(pid, signal)
    }

    // MARK: Its databases

    /// A new database of the role's, and where it is.
    func makeDatabase() throws -> PostgreSQLLocation {
        // One after the other: all are copies of one template.
        let name = try databases.withLock { count in
            count += 1
            let name = "test\(count)"
            try ask("CREATE DATABASE \(name) OWNER \(Self.role)")
            return name
        }
        return location(name)
    }

    func location(_ database: String) -> PostgreSQLLocation {
        PostgreSQLLocation(
            hosts: [.init(name: "127.0.0.1", port: port)], database: database, user: Self.role, password: Array(Self.password.utf8))
    }

    /// Runs one statement without any of the code under test, as the role that owns everything, and returns the first
    /// column of its rows.
    @discardableResult
    func ask(_ sql: String, in database: String = "postgres") throws -> [String] {
        try Self.ask(sql, folder, port, database)
    }

    private static func ask(_ sql: String, _ folder: String, _ port: UInt16, _ database: String) throws -> [String] {
        let connection = unsafe PQconnectdb("host=\(folder) port=\(port) user=admin dbname=\(database)")
        defer { unsafe PQfinish(connection) }
        unsafe PQsetNoticeReceiver(connection, { _, _ in }, nil)
        let result = unsafe PQexec(connection, sql)
        defer { unsafe PQclear(result) }
        let status = unsafe PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            throw TestFailure(unsafe String(cString: PQerrorMessage(connection)))
        }
        return (0..<(unsafe PQntuples(result))).map { unsafe String(cString: PQgetvalue(result, $0, 0)) }
    }

    // MARK: Programs

    private static func programs() throws -> String {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        guard unsafe glob("/usr/lib/postgresql/*/bin/initdb", 0, nil, &found) == 0, unsafe found.gl_pathc > 0,
            let last = unsafe found.gl_pathv[Int(found.gl_pathc) - 1]
        else { throw TestFailure("there is no PostgreSQL server here: install Debian's postgresql") }
        return String(unsafe String(cString: last).dropLast("/initdb".count))
    }

    /// Nil: this process may run the server as it is.
    private static var user: (id: uid_t, group: gid_t)? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let user = unsafe getpwnam(name) { return unsafe (user.pointee.pw_uid, user.pointee.pw_gid) }
        }
        return nil
    }

    static func run(_ arguments: [String]) throws {
        let pid = try spawn(arguments)
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, 0) == pid, status == 0 else { throw TestFailure("\(arguments.joined(separator: " ")) failed") }
    }

    /// Starts a program with no signal blocked, whatever thread this is: the server's processes wait for theirs.
    private static func spawn(_ arguments: [String]) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for descriptor: Int32 in [1, 2] { unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let copies = unsafe arguments.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, copies + [nil], environ)
        guard code == 0 else { throw TestFailure("cannot start \(arguments[0]): error \(code)") }
        return pid
    }
}
