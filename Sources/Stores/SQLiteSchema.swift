internal import Access
internal import GRDB

/// The tables, and the steps by which older files become newer ones. A step that has been released is never edited.
enum SQLiteSchema {
    static let tables = ["users", "sessions", "login_failures"]

    /// Brings the database up to date; does nothing when it is.
    static func migrate(_ connection: DatabaseQueue) throws {
        var migrator = DatabaseMigrator()
        register("1: users, sessions, login failures", first, in: &migrator)
        if try connection.read(migrator.hasBeenSuperseded) {
            throw StoreError.unavailable("SQLite file \(connection.path) was written by a newer version of gatehouse")
        }
        try migrator.migrate(connection)
    }

    private static func register(_ step: String, _ statements: String, in migrator: inout DatabaseMigrator) {
        migrator.registerMigration(step) { db in
            // GRDB has looked before it took the write lock: another process may have made this step in between.
            // Opening tries again after "busy", and finds it made.
            let made = try Row.fetchOne(
                db, sql: "SELECT 1 FROM grdb_migrations WHERE identifier = ?", arguments: [step])
            guard made == nil else { throw DatabaseError(resultCode: .SQLITE_BUSY) }
            try db.execute(sql: statements)
        }
    }

    // AUTOINCREMENT: an id that has named a person never names another, also after that person is removed.
    // BINARY: names are compared octet by octet, as everywhere else.
    // sessions.user_id is text and refers to no table: users may be kept in another store.
    // sessions_by_end holds what SessionRecord.endsAt says, so that a purge reads only what it removes.
    private static let first = """
        CREATE TABLE users (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            username TEXT NOT NULL UNIQUE COLLATE BINARY,
            password_hash TEXT NOT NULL,
            role TEXT NOT NULL DEFAULT '',
            disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
            created_at INTEGER NOT NULL DEFAULT 0,
            updated_at INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE sessions (
            session_id TEXT NOT NULL PRIMARY KEY,
            user_id TEXT NOT NULL,
            username TEXT NOT NULL,
            data TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            last_seen_at INTEGER NOT NULL,
            idle_timeout INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX sessions_by_user ON sessions (user_id);
        CREATE INDEX sessions_by_expiry ON sessions (expires_at);
        CREATE INDEX sessions_by_end ON sessions (last_seen_at + idle_timeout) WHERE idle_timeout > 0;
        CREATE TABLE login_failures (
            key TEXT NOT NULL PRIMARY KEY,
            failures INTEGER NOT NULL,
            last_failure_at INTEGER NOT NULL,
            last_success_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX login_failures_by_change ON login_failures (max(last_failure_at, last_success_at));
        """
}
