import Access
import GRDB
import Glibc
import Loop
import Stores
import Testing

/// The file: how it is made, opened, shared and lost.
@Suite("SQLite file")
struct SQLiteDatabaseTests {
    private let folder: TemporaryFolder
    private let path: String
    private let start = SessionRecord.start
    private let hour = SessionRecord.hour

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("test.db")
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    /// Opens the file without any of the code under test.
    private func raw<T>(_ body: (Database) throws -> T) throws -> T {
        try DatabaseQueue(path: path).writeWithoutTransaction(body)
    }

    private func octets(_ path: String) -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe fread(&buffer, 1, buffer.count, file), count > 0 { octets += buffer.prefix(count) }
        return octets
    }

    private func write(_ octets: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0, unsafe Glibc.write(descriptor, octets, octets.count) == octets.count else {
            throw TestFailure("cannot write \(path)")
        }
        Glibc.close(descriptor)
    }

    private func overwrite(_ octets: [UInt8], at offset: Int = 0) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
        unsafe pwrite(descriptor, octets, octets.count, offset)
        Glibc.close(descriptor)
    }

    private func openingError(busyTimeout: Int = 100) -> StoreError? {
        do throws(StoreError) {
            _ = try SQLiteDatabase(path: path, busyTimeout: busyTimeout)
            return nil
        } catch {
            return error
        }
    }

    @Test("the file and its log are made for their owner only")
    func mode() throws {
        let before = umask(0)
        defer { umask(before) }
        let database = try SQLiteDatabase(path: path)
        try database.insertSession(.sample())
        #expect(mode(path) == 0o600)
        #expect(mode(path + "-wal") == 0o600)
        #expect(mode(path + "-shm") == 0o600)
    }

    @Test("opening again keeps what is there, and migrates nothing twice")
    func reopen() throws {
        let session = try SessionRecord.sample()
        let first = try SQLiteDatabase(path: path)
        try first.insertSession(session)
        try first.close()
        for _ in 0..<3 {
            let again = try SQLiteDatabase(path: path)
            #expect(try again.findSession(session.key, now: start) == session)
            try again.close()
        }
        let steps = try raw { try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations") }
        #expect(steps.count == 1)
    }

    @Test("a closed database says so, and does not end the process")
    func closed() throws {
        let database = try SQLiteDatabase(path: path)
        try database.close()
        #expect(throws: StoreError.self) { try database.ping() }
        #expect(throws: StoreError.self) { try database.insertSession(.sample()) }
    }

    @Test("many that open a new file at the same time all come to use it")
    func openTogether() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for user in 1...6 {
                group.addTask { [path] in
                    let database = try SQLiteDatabase(path: path)
                    for _ in 0..<20 { try database.insertSession(.sample(user: "\(user)")) }
                }
            }
            try await group.waitForAll()
        }
        let database = try SQLiteDatabase(path: path)
        #expect(try database.sessions(limit: 1_000, now: start).count == 120)
    }

    @Test("what one process of two on the same file ends is ended for the other")
    func shared() throws {
        let one = try SQLiteDatabase(path: path)
        let two = try SQLiteDatabase(path: path)
        let session = try SessionRecord.sample()
        try one.insertSession(session)
        #expect(try two.findSession(session.key, now: start) == session)
        #expect(try two.removeSession(session.key))
        #expect(try one.findSession(session.key, now: start) == nil)
    }

    @Test("a file locked by somebody else: reads go on, writes wait for the time-out and say why")
    func locked() throws {
        let database = try SQLiteDatabase(path: path, busyTimeout: 200)
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        try DatabaseQueue(path: path).writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            #expect(try database.findSession(session.key, now: start) == session)
            let error = #expect(throws: StoreError.self) { try database.insertSession(.sample()) }
            #expect(error?.description.contains("unavailable") == true)
            #expect(error?.description.contains("locked") == true)
            try db.execute(sql: "ROLLBACK")
        }
        try database.insertSession(.sample())
        #expect(try database.sessions(limit: 10, now: start).count == 2)
    }

    @Test("goal 16: while writes wait for somebody's lock, checks go on")
    func readsGoOn() async throws {
        let database = try SQLiteDatabase(path: path, busyTimeout: 5_000)
        let session = try SessionRecord.sample()
        try database.insertSession(session)
        let worker = try TestWorker()
        let start = start
        let slowest = try await worker.run { worker in
            worker.store = SQLiteStore(database, pool: worker.pool, endsSessions: true)
            let lock = try SQLiteLock(database.path)
            let writes = (0..<8).map { _ in
                worker.start { store, _ in
                    do throws(StoreError) { return try await store.remove(session.key) } catch { return false }
                }
            }
            var slowest: Int64 = 0
            for _ in 0..<20 {
                let (found, time) = try await TestWorker.timed {
                    try await worker.start { store, _ in try await store.find(session.key, now: start) }.value
                }
                #expect(found == session)
                slowest = max(slowest, time)
                await worker.pause(milliseconds: 5)
            }
            try lock.release()
            var removed = 0
            for write in writes where try await write.value { removed += 1 }
            #expect(removed == 1)
            return slowest
        }
        // The writes wait for up to five seconds.
        #expect(slowest < 4_000)
    }

    @Test("what has returned survives kill -9: another process finds it in the files as they are")
    func survives() throws {
        let database = try SQLiteDatabase(path: path)
        let kept = try SessionRecord.sample()
        let ended = try SessionRecord.sample()
        try database.insertSession(kept)
        try database.insertSession(ended)
        #expect(try database.removeSession(ended.key))
        // The shared-memory index is left out: it is rebuilt from the log.
        let copy = folder.file("copy.db")
        for suffix in ["", "-wal"] { try write(octets(path + suffix), to: copy + suffix) }
        let found = try SQLiteDatabase(path: copy)
        #expect(try found.findSession(kept.key, now: start) == kept)
        #expect(try found.findSession(ended.key, now: start) == nil)
    }

    @Test("a file that is locked as a whole cannot be opened, and the error says why")
    func lockedAtStart() throws {
        try SQLiteDatabase(path: path).close()
        try raw { db in
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y)")
            let error = openingError()
            guard case .unavailable(let what) = error else { Issue.record("\(String(describing: error))"); return }
            #expect(what.contains("locked"))
            try db.execute(sql: "ROLLBACK")
        }
    }

    @Test("what is not a database is left alone, and the error says what it is")
    func notADatabase() throws {
        let text = Array(String(repeating: "This is a letter, not a database.\n", count: 100).utf8)
        overwrite(text)
        guard case .corrupt(let what) = openingError() else {
            Issue.record("it was opened, or refused for another reason")
            return
        }
        #expect(what.contains("not a SQLite database"))
        #expect(octets(path) == text)
    }

    @Test("a folder, a path into nowhere and a read-only file system are errors with the path")
    func nowhere() {
        for path in [folder.path, folder.file("no/such/folder.db"), "/proc/gatehouse.db"] {
            do throws(StoreError) {
                _ = try SQLiteDatabase(path: path, busyTimeout: 100)
                Issue.record("\(path) was opened")
            } catch {
                guard case .unavailable(let what) = error else { Issue.record("\(error)"); return }
                #expect(what.contains(path))
            }
        }
    }

    @Test("a file that cannot be written is an error that says so")
    func readOnly() throws {
        try SQLiteDatabase(path: path).close()
        _ = try raw { try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        // A file format version for writing that SQLite does not know makes the file read-only, also for root
        // (sqlite.org/fileformat.html, 1.3.3).
        overwrite([3], at: 18)
        guard case .unavailable(let what) = openingError() else {
            Issue.record("it was opened, or refused for another reason")
            return
        }
        #expect(what.contains("cannot be written"))
    }

    @Test("a damaged file is an error and never the end of the process")
    func damaged() throws {
        let database = try SQLiteDatabase(path: path)
        for _ in 0..<300 { try database.insertSession(.sample()) }
        try database.close()
        let size = octets(path).count
        // All pages but the first, which holds the schema.
        overwrite([UInt8](repeating: 0xA5, count: size - 4_096), at: 4_096)
        do throws(StoreError) {
            let again = try SQLiteDatabase(path: path, busyTimeout: 100)
            _ = try again.sessions(limit: 1_000, now: start)
            Issue.record("the damage was not seen")
        } catch {
            guard case .corrupt(let what) = error else { Issue.record("\(error)"); return }
            #expect(what.contains("damaged"))
        }
    }

    @Test("a file of a newer version is refused and not touched")
    func newer() throws {
        try SQLiteDatabase(path: path).close()
        try raw { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: what is to come')") }
        guard case .unavailable(let what) = openingError() else {
            Issue.record("it was opened, or refused for another reason")
            return
        }
        #expect(what.contains("newer version"))
    }

    @Test("a file that has tables of these names already is refused, and they stay as they are")
    func foreignTables() throws {
        try raw { try $0.execute(sql: "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('somebody')") }
        guard case .unavailable(let what) = openingError() else {
            Issue.record("it was opened, or refused for another reason")
            return
        }
        #expect(what.contains("users"))
        #expect(try raw { try String.fetchOne($0, sql: "SELECT name FROM users") } == "somebody")
    }

    @Test("rule 41: the file holds no session id, only its digest")
    func noSessionID() throws {
        let id = try SessionID.random()
        var session = try SessionRecord.sample()
        session.key = id.key
        let database = try SQLiteDatabase(path: path)
        try database.insertSession(session)
        let stored = octets(path) + octets(path + "-wal")
        #expect(stored.contains(Array(id.key.text.utf8)))
        #expect(!stored.contains(id.text))
        #expect(!stored.contains(id.text.dropFirst(5)))
    }

    @Test("a long purge goes in batches, between which others write")
    func purgeBatches() async throws {
        let database = try SQLiteDatabase(path: path)
        let lasting = try SessionRecord.sample(lifetime: 12 * hour, idleTimeout: 0)
        try raw { db in
            try db.inTransaction {
                for index in 0..<1_700 {
                    let session = try SessionRecord.sample()
                    let isIdle = index % 2 == 0
                    try db.execute(
                        sql: "INSERT INTO sessions VALUES (?, '101', 'alice', '{\"role\":\"user\"}', 1, 1, ?, ?)",
                        arguments: [session.key.text, isIdle ? 1_000 : 0, isIdle ? start + hour : 2_000])
                }
                return .commit
            }
        }
        try database.insertSession(lasting)
        #expect(try database.purgeSessionBatch(now: start) == SQLiteDatabase.purgeBatch)

        let worker = try TestWorker()
        let counts = try await worker.run { [start] worker in
            // Two stores, as of two processes, purge the same rows.
            let store = SQLiteStore(database, pool: worker.pool, endsSessions: true)
            let other = SQLiteStore(try SQLiteDatabase(path: database.path), pool: worker.pool, endsSessions: true)
            worker.store = other
            let parallel = worker.start { store, _ in try await store.purge(now: start) }
            return [try await store.purge(now: start), try await parallel.value]
        }
        #expect(counts.reduce(0, +) == 1_700 - SQLiteDatabase.purgeBatch)
        #expect(try database.sessions(limit: 10, now: start) == [lasting])
        #expect(try raw { try Int.fetchOne($0, sql: "SELECT count(*) FROM sessions") } == 1)
    }

    @Test("a full pool is told at once, and not waited for")
    func fullPool() async throws {
        let database = try SQLiteDatabase(path: path)
        let worker = try TestWorker()
        let errors = try await worker.run { [start] worker in
            let pool = try BlockingPool(name: "small", threads: 1, queue: 0)
            worker.store = SQLiteStore(database, pool: pool, endsSessions: true)
            let session = try SessionRecord.sample()
            let tasks = (0..<50).map { _ in
                worker.start { store, _ in
                    do throws(StoreError) {
                        _ = try await store.find(session.key, now: start)
                        return nil as String?
                    } catch {
                        return error.description
                    }
                }
            }
            var errors: [String] = []
            for task in tasks { if let error = try await task.value { errors.append(error) } }
            pool.close()
            return errors
        }
        #expect(!errors.isEmpty)
        #expect(errors.allSatisfy { $0.contains("unavailable") && $0.contains("too many calls") })
    }

    static let strangeRows = [
        "session_id = 'short'", "user_id = ''", "user_id = 'a,b'", "user_id = x'00ff'", "username = x'ff'",
        "username = 'a' || char(10) || 'X-User-Id: 1'", "username = ''", "data = ''", "data = '{'", "data = '[]'", "data = '{}'",
        "data = '{\"role\":1}'", "data = '{\"role\":null}'", "data = '{\"role\":\"a\\r\\nb\"}'", "data = x'7b7d'",
        "data = '{\"role\":\"' || hex(zeroblob(3000)) || '\"}'", "data = hex(zeroblob(9000))",
        "created_at = 'yesterday'", "last_seen_at = 1.5", "last_seen_at = x'01'", "idle_timeout = -1",
        "expires_at = 9223372036854775807", "expires_at = 1e300", "expires_at = -9223372036854775807",
    ]

    @Test("rule 41: a row that nobody here has written opens no session and hides no other", arguments: strangeRows)
    func strangeRow(assignment: String) throws {
        let database = try SQLiteDatabase(path: path)
        let session = try SessionRecord.sample()
        let sound = try SessionRecord.sample()
        try database.insertSession(session)
        try database.insertSession(sound)
        try raw { try $0.execute(sql: "UPDATE sessions SET \(assignment) WHERE session_id = ?", arguments: [session.key.text]) }
        do throws(StoreError) {
            // Gone by its strange time or key, or an error: never a session.
            #expect(try database.findSession(session.key, now: start) == nil)
        } catch {
            guard case .corrupt(let what) = error else { throw error }
            #expect(!what.contains("X-User-Id"))
        }
        #expect(try database.sessions(limit: 10, now: start) == [sound])
        #expect(try database.sessions(of: sound.userID, now: start) == [sound])
        #expect(try database.findSession(sound.key, now: start) == sound)
        _ = try database.purgeSessionBatch(now: start)
        #expect(try database.findSession(sound.key, now: start) == sound)
    }
}

/// Somebody else's write lock, until it is released.
private final class SQLiteLock {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try hold("BEGIN IMMEDIATE")
    }

    func release() throws { try hold("COMMIT") }

    private func hold(_ sql: String) throws { try queue.writeWithoutTransaction { try $0.execute(sql: sql) } }
}
