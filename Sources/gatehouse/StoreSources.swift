import Access
import Loop
import Settings
import Stores

/// The stores that the settings name, opened once for all workers, which make their own objects from them; what the settings
/// before named as well stays open.
struct StoreSources: Sendable {
    private enum UserSource: Sendable {
        case own(OwnDatabase)
        case foreign(any UserTable)
    }

    private let settings: Settings
    private let databases: [OwnDatabase]
    private let userSource: UserSource
    private let sessionSource: SessionSource
    private let failureSource: OwnDatabase
    /// Whether the users are ours and in the same database as the sessions, so that both change in one transaction.
    private let areTogether: Bool
    /// The users are where they were by the settings before; so with the others.
    let keepsUsers: Bool
    let keepsSessions: Bool
    let keepsFailures: Bool

    /// Opens the SQLite files and PostgreSQL databases, and makes our tables where they are new.
    /// - Parameter previous: of the settings before. A store that nothing has changed about is taken over, open as it is.
    init(_ settings: Settings, readers: Int = 4, keeping previous: StoreSources? = nil) throws {
        self.settings = settings
        // Whoever changes how long stores are waited for wants connections that wait so long.
        let kept = previous?.settings.sessions.storeTimeout == settings.sessions.storeTimeout ? previous : nil
        var databases = OwnDatabases(readers: readers, timeouts: PostgreSQLTimeouts(settings), keeping: kept?.databases ?? [])
        let users: OwnDatabase?
        if settings.users.isForeign {
            if let kept, kept.settings.users == settings.users {
                userSource = kept.userSource
                keepsUsers = true
            } else {
                let table = try Self.table(settings, readers: readers)
                // What is missing is missed now, and not at the first sign-in.
                try table.ping()
                userSource = .foreign(table)
                keepsUsers = false
            }
            users = nil
        } else {
            let own = try databases.open(settings.users.store, settings.users.password)
            userSource = .own(own)
            keepsUsers = if case .own(let before)? = kept?.userSource { before.isSame(as: own) } else { false }
            users = own
        }
        let isCacheSame = kept?.settings.sessions.cache == settings.sessions.cache
        switch settings.sessions.store {
        case .sqlite, .postgresql:
            let sessions = try databases.open(settings.sessions.store, settings.sessions.password)
            sessionSource = sessions.sessionSource
            areTogether = users.map { $0.isSame(as: sessions) } ?? false
            keepsSessions = isCacheSame && kept?.databases.contains { $0.isSame(as: sessions) } == true
        case .redis(let url):
            areTogether = false
            if let kept, case .redis = kept.sessionSource, kept.settings.sessions.isSameServer(as: settings.sessions) {
                sessionSource = kept.sessionSource
                keepsSessions = isCacheSame
            } else {
                sessionSource = .redis(try RedisDeployment(url, settings.sessions), RedisTimeouts(settings.sessions))
                keepsSessions = false
            }
        case .memory:
            areTogether = false
            if case .memory? = previous?.sessionSource, let previous {
                sessionSource = previous.sessionSource
                keepsSessions = true
            } else {
                sessionSource = .memory(MemorySessions())
                keepsSessions = false
            }
        }
        let failures = try databases.open(settings.failureStore, settings.failurePassword)
        failureSource = failures
        keepsFailures = kept?.failureSource.isSame(as: failures) == true
        self.databases = databases.opened
    }

    /// Another program's users, as the settings describe them.
    static func table(_ settings: Settings, readers: Int = 4) throws -> any UserTable {
        let mapping = UserMapping(settings.users)
        switch settings.users.store {
        case .sqlite(let path): return SQLiteUserTable(path: path, mapping, readers: readers)
        case .postgresql(let url):
            return try PostgreSQLUserTable(
                PostgreSQLLocation(url, password: settings.users.password), mapping, timeouts: PostgreSQLTimeouts(settings))
        case .redis, .memory: throw OwnDatabases.noDatabase(settings.users.store)
        }
    }

    /// Call on the worker that will use it; so with the others.
    func users(pool: BlockingPool) -> any UserStore {
        switch userSource {
        case .own(let database): database.directory(pool: pool, endsSessions: areTogether)
        case .foreign(let table): UserTableStore(table, pool: pool)
        }
    }

    /// Nil: the users are another program's.
    func directory(pool: BlockingPool) -> (any UserDirectory)? {
        guard case .own(let database) = userSource else { return nil }
        return database.directory(pool: pool, endsSessions: areTogether)
    }

    func failures(pool: BlockingPool) -> any ThrottleStore {
        switch failureSource {
        case .sqlite(let database): SQLiteStore(database, pool: pool, endsSessions: areTogether)
        case .postgresql(let database): PostgreSQLStore(database, endsSessions: areTogether)
        }
    }

    /// - Parameter caching: how many of them the worker may keep; nil: none.
    func sessions(loop: EventLoop, pool: BlockingPool, caching: SessionCaching? = nil) -> any SessionStore {
        sessionSource.makeStore(loop: loop, pool: pool, usersInSameFile: areTogether, caching: caching)
    }
}

/// A database with our own tables.
private enum OwnDatabase: Sendable {
    case sqlite(SQLiteDatabase)
    case postgresql(PostgreSQLDatabase)

    var sessionSource: SessionSource {
        switch self {
        case .sqlite(let database): .sqlite(database)
        case .postgresql(let database): .postgresql(database)
        }
    }

    func isSame(as other: OwnDatabase) -> Bool {
        switch (self, other) {
        case (.sqlite(let one), .sqlite(let other)): one === other
        case (.postgresql(let one), .postgresql(let other)): one === other
        case (.sqlite, .postgresql), (.postgresql, .sqlite): false
        }
    }

    func directory(pool: BlockingPool, endsSessions: Bool) -> any UserDirectory {
        switch self {
        case .sqlite(let database): SQLiteStore(database, pool: pool, endsSessions: endsSessions)
        case .postgresql(let database): PostgreSQLStore(database, endsSessions: endsSessions)
        }
    }
}

/// Opens each database once, however many of the settings name it.
private struct OwnDatabases {
    private let readers: Int
    private let timeouts: PostgreSQLTimeouts
    private let kept: [OwnDatabase]
    private(set) var opened: [OwnDatabase] = []

    /// - Parameter kept: open already.
    init(readers: Int, timeouts: PostgreSQLTimeouts, keeping kept: [OwnDatabase]) {
        self.readers = readers
        self.timeouts = timeouts
        self.kept = kept
    }

    mutating func open(_ store: StoreURL, _ password: Secret?) throws -> OwnDatabase {
        if let known = try find(store, password, among: opened) { return known }
        let database = try find(store, password, among: kept) ?? make(store, password)
        opened.append(database)
        return database
    }

    private func find(_ store: StoreURL, _ password: Secret?, among databases: [OwnDatabase]) throws -> OwnDatabase? {
        switch store {
        case .sqlite(let path):
            for case .sqlite(let known) in databases where known.path == path { return .sqlite(known) }
        case .postgresql(let url):
            let location = PostgreSQLLocation(url, password: password)
            for case .postgresql(let known) in databases where known.location == location { return .postgresql(known) }
        case .redis, .memory: throw Self.noDatabase(store)
        }
        return nil
    }

    private func make(_ store: StoreURL, _ password: Secret?) throws -> OwnDatabase {
        switch store {
        case .sqlite(let path): .sqlite(try SQLiteDatabase(path: path, readers: readers))
        case .postgresql(let url):
            .postgresql(try PostgreSQLDatabase(PostgreSQLLocation(url, password: password), timeouts: timeouts))
        case .redis, .memory: throw Self.noDatabase(store)
        }
    }

    static func noDatabase(_ store: StoreURL) -> CommandFailure {
        CommandFailure("gatehouse: \(store) is neither sqlite: nor postgresql://", status: .configuration)
    }
}

extension UserMapping {
    init(_ users: Users) {
        var columns = Columns()
        columns.id = users.columns.id ?? columns.id
        columns.username = users.columns.username ?? columns.username
        columns.passwordHash = users.columns.passwordHash ?? columns.passwordHash
        columns.role = users.columns.role ?? users.columns.roles
        columns.disabled = users.columns.disabled
        columns.active = users.columns.active
        if let query = users.query {
            self.init(.query(query))
        } else {
            self.init(.table(schema: users.table?.schema, name: users.table?.name ?? "", columns))
        }
        usernames = users.usernames.comparison
        rehashes = users.rehash ?? false
    }
}

extension PostgreSQLTimeouts {
    init(_ settings: Settings) {
        self.init()
        // A commit waits for the server's disk: less than the standard time would turn a slow moment into a failure.
        statement = max(statement, settings.sessions.storeTimeout.milliseconds)
        list = max(list, statement)
    }
}

extension PostgreSQLLocation {
    /// - Parameter password: beside the URL.
    init(_ url: PostgreSQLURL, password: Secret?) {
        var parameters: [String: String] = [:]
        for (parameter, value) in url.parameters where parameter != .connectTimeout { parameters[parameter.rawValue] = value }
        self.init(
            hosts: url.hosts.map { Host(name: $0.name, port: $0.port) }, database: url.database, user: url.username,
            password: (password ?? url.password)?.octets, parameters: parameters, connectTimeout: url.connectTimeout)
    }
}

extension Sessions {
    /// Whether the same Redis is meant, and we are the same to it.
    fileprivate func isSameServer(as other: Sessions) -> Bool {
        store == other.store && password == other.password && sentinelUsername == other.sentinelUsername
            && sentinelPassword == other.sentinelPassword
    }
}

extension RedisTimeouts {
    fileprivate init(_ sessions: Sessions) {
        self.init()
        command = sessions.storeTimeout.milliseconds
        connect = command
        list = max(list, command)
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
