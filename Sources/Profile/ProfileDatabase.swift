internal import GRDB

/// The table of profiles, in a SQLite file or in memory. The calls block.
package final class ProfileDatabase: Sendable {
    private let queue: DatabaseQueue

    /// What went wrong, for the log: SQLite's own words, without any value.
    package struct Fault: Error, CustomStringConvertible {
        package let description: String

        init(_ error: any Error) {
            if let error = error as? DatabaseError {
                description = "SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
            } else {
                description = "the profile database failed: \(type(of: error))"
            }
        }
    }

    /// Opens the file, and makes it and the table where they are not there yet.
    /// - Parameter path: nil: in memory, for as long as this object lives.
    package init(path: String?) throws(Fault) {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            if let path {
                queue = try DatabaseQueue(path: path, configuration: configuration)
            } else {
                queue = try DatabaseQueue(configuration: configuration)
            }
            try queue.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS profiles (
                            user_id TEXT PRIMARY KEY NOT NULL,
                            display_name TEXT NOT NULL,
                            email TEXT NOT NULL,
                            bio TEXT NOT NULL
                        ) STRICT
                        """)
            }
        } catch {
            throw Fault(error)
        }
    }

    /// Adds a profile, unless the user has one.
    package func add(_ profile: Profile) throws(Fault) {
        do {
            try queue.write { db in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO profiles (user_id, display_name, email, bio) VALUES (?, ?, ?, ?)",
                    arguments: [profile.userID, profile.displayName, profile.email, profile.bio])
            }
        } catch {
            throw Fault(error)
        }
    }

    package func find(userID: String) throws(Fault) -> Profile? {
        do {
            return try queue.read { db in
                let statement = try db.cachedStatement(
                    sql: "SELECT display_name, email, bio FROM profiles WHERE user_id = ?")
                guard let row = try Row.fetchOne(statement, arguments: [userID]) else { return nil }
                return Profile(userID: userID, displayName: row[0], email: row[1], bio: row[2])
            }
        } catch {
            throw Fault(error)
        }
    }
}
