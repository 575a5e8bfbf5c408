import Access
import Secrets
import Settings
import Stores

/// Whether the databases have what the settings need of them: found out without a change to any.
struct DatabaseCheck {
    private let loaded: LoadedSettings
    private(set) var findings: [SettingProblem] = []

    init(_ loaded: LoadedSettings) { self.loaded = loaded }

    private var settings: Settings { loaded.settings }

    /// Throws when a database cannot be asked.
    mutating func run() throws {
        if settings.users.isForeign { try checkTable() } else { try check(settings.users.store, settings.users.password, "users.store") }
        if settings.sessions.store != settings.users.store || settings.users.isForeign {
            try check(settings.sessions.store, settings.sessions.password, "sessions.store")
        }
        if let store = settings.login.throttle.store {
            try check(store, settings.failurePassword, "login.throttle.store")
        }
    }

    private mutating func report(_ key: String, _ message: String, _ severity: SettingProblem.Severity = .error) {
        findings.append(loaded.problem(key, message, severity))
    }

    // MARK: Another program's users

    private mutating func checkTable() throws {
        let table = try Self.reach("users.store") { try StoreSources.table(settings, readers: 1) }
        let faults = try Self.reach("users.store") { try table.faults() }
        for fault in faults {
            let isRoles = fault.key == "columns.role" && settings.users.columns.roles != nil
            report("users.\(isRoles ? "columns.roles" : fault.key)", fault.message)
        }
        guard faults.isEmpty else { return }
        let sample = try Self.reach("users.store") { try table.users(limit: Self.sampleSize) }
        try checkHashes(of: sample)
    }

    private static let sampleSize = 500

    /// Rule 32: the place of an unknown user's hash is taken by one of the settings' algorithm and cost. Where the table's
    /// differ, the time of an answer tells who has an account.
    private mutating func checkHashes(of users: [UserRecord]) throws {
        let hashes = users.compactMap { try? PasswordHash(parsing: $0.passwordHash) }
        let counts = Dictionary(hashes.map { ("\($0)", 1) }, uniquingKeysWith: +)
        guard let usual = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
            guard !users.isEmpty else { return }
            return report("users.columns.password_hash", "none of the first \(users.count) users has a bcrypt or argon2id hash", .warning)
        }
        let ours = "\(try settings.passwordPolicy().dummy())"
        guard usual.key != ours else { return }
        report(
            "passwords",
            "most hashes in \(settings.users.place) are \(usual.key), and these settings say \(ours): let them say the same, so that an "
                + "unknown user name takes as long as a known one",
            .warning)
    }

    // MARK: Our own tables

    private mutating func check(_ store: StoreURL, _ password: Secret?, _ key: String) throws {
        let faults: [String]
        switch store {
        case .sqlite(let path): faults = try Self.reach(key) { try SQLiteDatabase.faults(path: path) }
        case .postgresql(let url):
            faults = try Self.reach(key) {
                try PostgreSQLDatabase.faults(PostgreSQLLocation(url, password: password), timeouts: PostgreSQLTimeouts(settings))
            }
        case .redis, .memory: return
        }
        for fault in faults { report(key, fault) }
    }

    /// Names the setting that leads to a database that cannot be asked.
    private static func reach<Value>(_ key: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as StoreError {
            throw CommandFailure(
                "gatehouse: \(key) could not be checked: \(error)\nTo check the settings alone: gatehouse config check --offline")
        }
    }
}
