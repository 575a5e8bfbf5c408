import Access
import Loop
import Settings
import Stores

/// The stores that the settings name, opened once for the process; each worker makes its own objects from them.
struct StoreSources: Sendable {
    private enum UserSource: Sendable {
        case sqlite(SQLiteDatabase)
        case postgresql(PostgreSQLDatabase)
    }

    private let userSource: UserSource
    private let sessionSource: SessionSource
    private let areTogether: Bool

    /// Opens the SQLite files and PostgreSQL databases, and makes their tables when they are new.
    init(_ settings: Settings, readers: Int = 4) throws {
        let timeouts = PostgreSQLTimeouts(settings)
        switch settings.users.store {
        case .sqlite(let path):
            userSource = .sqlite(try SQLiteDatabase(path: path, readers: readers))
        case .postgresql(let url):
            userSource = .postgresql(
                try PostgreSQLDatabase(PostgreSQLLocation(url, password: settings.users.password), timeouts: timeouts))
        case .redis, .memory:
            throw CommandFailure("gatehouse: users.store must be sqlite: or postgresql://", status: .configuration)
        }
        switch settings.sessions.store {
        case .memory:
            sessionSource = .memory(MemorySessions())
            areTogether = false
        case .sqlite(let path):
            if case .sqlite(let users) = userSource, users.path == path {
                sessionSource = .sqlite(users)
                areTogether = true
            } else {
                sessionSource = .sqlite(try SQLiteDatabase(path: path, readers: readers))
                areTogether = false
            }
        case .postgresql(let url):
            let location = PostgreSQLLocation(url, password: settings.sessions.password)
            if case .postgresql(let users) = userSource, users.location == location {
                sessionSource = .postgresql(users)
                areTogether = true
            } else {
                sessionSource = .postgresql(try PostgreSQLDatabase(location, timeouts: timeouts))
                areTogether = false
            }
        case .redis(let url):
            var timeouts = RedisTimeouts()
            timeouts.command = settings.sessions.storeTimeout.milliseconds
            timeouts.connect = timeouts.command
            timeouts.list = max(timeouts.list, timeouts.command)
            sessionSource = .redis(try RedisDeployment(url, settings.sessions), timeouts)
            areTogether = false
        }
    }

    /// Call on the worker that will use it; so with `sessions`.
    func users(pool: BlockingPool) -> any UserStore & ThrottleStore {
        switch userSource {
        case .sqlite(let database): SQLiteStore(database, pool: pool, endsSessions: areTogether)
        case .postgresql(let database): PostgreSQLStore(database, endsSessions: areTogether)
        }
    }

    /// - Parameter caching: how many of them the worker may keep; nil: none.
    func sessions(loop: EventLoop, pool: BlockingPool, caching: SessionCaching? = nil) -> any SessionStore {
        sessionSource.makeStore(loop: loop, pool: pool, usersInSameFile: areTogether, caching: caching)
    }
}

extension PostgreSQLTimeouts {
    fileprivate init(_ settings: Settings) {
        self.init()
        // A commit waits for the server's disk: less than the standard time would turn a slow moment into a failure.
        statement = max(statement, settings.sessions.storeTimeout.milliseconds)
        list = max(list, statement)
    }
}

extension PostgreSQLLocation {
    /// - Parameter password: beside the URL.
    fileprivate init(_ url: PostgreSQLURL, password: Secret?) {
        var parameters: [String: String] = [:]
        for (parameter, value) in url.parameters where parameter != .connectTimeout { parameters[parameter.rawValue] = value }
        self.init(
            hosts: url.hosts.map { Host(name: $0.name, port: $0.port) }, database: url.database, user: url.username,
            password: (password ?? url.password)?.octets, parameters: parameters, connectTimeout: url.connectTimeout)
    }
}

extension RedisDeployment {
    /// Reads the certificates that the URL names.
    fileprivate init(_ url: RedisURL, _ sessions: Sessions) throws {
        var tls: TLSContext?
        if url.usesTLS {
            let files = TLSContext.Files(
                authorities: url.parameters[.authorities], certificate: url.parameters[.certificate], key: url.parameters[.key])
            do {
                tls = try TLSContext(client: files, serverName: url.parameters[.serverName])
            } catch {
                throw CommandFailure("gatehouse: sessions.store: \(error)", status: .configuration)
            }
        }
        let login = RedisLogin(
            database: url.database, user: url.username.map { Array($0.utf8) }, password: (sessions.password ?? url.password)?.octets,
            tls: tls)
        let endpoints = url.hosts.map { RedisEndpoint(host: $0.name, port: $0.port) }
        switch url.kind {
        case .server: self = .server(RedisLocation(endpoints[0], login))
        case .cluster: self = .cluster(endpoints, login)
        case .sentinel(let service):
            let sentinelLogin = RedisLogin(
                user: sessions.sentinelUsername.map { Array($0.utf8) }, password: sessions.sentinelPassword?.octets, tls: tls)
            self = .sentinel(RedisSentinels(endpoints: endpoints, login: sentinelLogin, service: service, masterLogin: login))
        }
    }
}

extension Settings {
    var keepsSessionsInMemory: Bool { sessions.store == .memory }
}
