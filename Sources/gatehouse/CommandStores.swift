import Access
import Gateway
import Glibc
import Loop
import Settings

/// The stores of the settings, in a command's hands. Belongs to the loop of the command.
struct CommandStores {
    let users: any UserStore
    /// Nil where the users are another program's.
    let directory: (any UserDirectory)?
    /// Nil where sessions are kept in the memory of the running gateway, which no command reaches.
    let sessions: (any SessionStore)?
    private let usernames: UserName.Comparison

    /// Runs `body` with the stores open.
    /// - Parameters:
    ///   - create: makes the users table when there is none yet; otherwise that is a failure, and most likely a slip.
    ///   - endingSessions: `body` ends sessions. Returns when no running gateway takes them any more: a worker may believe for so long
    ///     what the store has told it. What a command says is done, is.
    static func run<Value: Sendable>(
        _ settings: Settings, create: Bool = false, endingSessions: Bool = false,
        _ body: @escaping @Sendable (CommandStores) async throws -> Value
    ) throws -> Value {
        if !create, !settings.users.isForeign, case .sqlite(let path) = settings.users.store, unsafe access(path, F_OK) != 0 {
            throw CommandFailure("gatehouse: there is no users table at \(path) yet: gatehouse user add NAME")
        }
        let sources = try StoreSources(settings)
        let value = try CommandLoop.run { loop, pool in
            let sessions = settings.keepsSessionsInMemory ? nil : sources.sessions(loop: loop, pool: pool)
            let stores = CommandStores(
                users: sources.users(pool: pool), directory: sources.directory(pool: pool), sessions: sessions,
                usernames: settings.users.usernames.comparison)
            return try await body(stores)
        }
        if endingSessions && settings.sessions.cache.number > 0 { usleep(UInt32(SessionCache.reach / 1_000)) }
        return value
    }

    /// The store of sessions, or the reason why there is none to speak to.
    func sessionStore() throws -> any SessionStore {
        if let sessions { return sessions }
        throw CommandFailure("gatehouse: sessions.store is memory: only the running gateway itself has the sessions")
    }

    /// The live sessions of one user, or of all.
    func liveSessions(of name: String?, limit: Int) async throws -> [SessionRecord] {
        let sessions = try sessionStore()
        guard let name else { return try await sessions.all(limit: limit, now: Moment.now) }
        return Array(try await sessions.sessions(of: try await user(name).id, now: Moment.now).prefix(limit))
    }

    /// Our own users, to be changed.
    func ownUsers() throws -> any UserDirectory {
        if let directory { return directory }
        throw CommandFailure("gatehouse: the users are another program's, and only read here")
    }

    func user(_ name: String) async throws -> UserRecord {
        if let username = try? UserName(name, usernames), let found = try await users.find(username: username.text) { return found }
        throw CommandFailure("gatehouse: there is no user \(JSONText.quoted(name))")
    }

    /// Throws unless a change found the user, who was there a moment ago.
    func confirm(_ isChanged: Bool, _ user: UserRecord) throws {
        if !isChanged { throw CommandFailure("gatehouse: \(user.username) has just been removed") }
    }

    /// Ends all sessions of `user`, wherever they are kept, and says so in the words that follow "disabled alice".
    func endSessions(of user: UserRecord, _ audit: CommandAudit) async throws -> String {
        guard let sessions else {
            return "; sessions.store is memory:, so restart the gateway to end the sessions that there are"
        }
        var event = AuditEvent(.sessionRevoked, .ok, .byOperator, of: user)
        do throws(StoreError) {
            event.ended = try await sessions.removeAll(of: user.id, except: nil)
        } catch {
            throw CommandFailure(
                "gatehouse: done, but the sessions of \(user.username) could not be ended: \(error)\n"
                    + "Once the store is there again: gatehouse session revoke --user \(user.username)")
        }
        try audit.record(event)
        return " and ended the user's sessions"
    }
}

extension Settings {
    /// For commands that change users: throws where they are another program's.
    func requireOwnUsers() throws(CommandFailure) {
        guard users.isForeign else { return }
        throw CommandFailure(
            """
            gatehouse: the users stand in \(users.place), which belongs to another program and is only read here.
            Add, change and remove them there; to end the sessions of one: gatehouse session revoke --user NAME
            """)
    }
}
