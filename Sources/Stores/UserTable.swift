package import Access
package import Loop

/// Somebody else's users: we read them, and change at most the hash of a password. The calls block.
package protocol UserTable: Sendable {
    var mapping: UserMapping { get }
    /// `name` is a `UserName`'s text. Two rows of one name: `.corrupt`.
    func findUser(name: String) throws(StoreError) -> UserRecord?
    func findUser(id: UserID) throws(StoreError) -> UserRecord?
    func users(limit: Int) throws(StoreError) -> [UserRecord]
    /// False: the row is gone, or its hash is not `old` any more.
    func setPasswordHash(_ id: UserID, to hash: String, replacing old: String?) throws(StoreError) -> Bool
    func ping() throws(StoreError)
    /// What keeps it from being used, each with what to do about it; empty: nothing.
    func faults() throws(StoreError) -> [UserTableFault]
    /// Where workers' calls run; nil: on the worker's own pool.
    var callers: BlockingPool? { get }
}

/// Why a users table cannot be used as the settings have it.
package struct UserTableFault: Sendable, Equatable {
    /// Below `users` in the settings, such as `columns.role`.
    package let key: String
    package let message: String

    init(_ key: String, _ message: String) {
        self.key = key
        self.message = message
    }
}

/// A worker's view of a `UserTable`.
package final class UserTableStore: UserStore {
    private let table: any UserTable
    private let pool: BlockingPool

    package init(_ table: any UserTable, pool: BlockingPool) {
        self.table = table
        self.pool = table.callers ?? pool
    }

    package func find(username: String) async throws(StoreError) -> UserRecord? {
        try await run { table throws(StoreError) in try table.findUser(name: username) }
    }

    package func find(id: UserID) async throws(StoreError) -> UserRecord? {
        try await run { table throws(StoreError) in try table.findUser(id: id) }
    }

    package func all(limit: Int) async throws(StoreError) -> [UserRecord] {
        try await run { table throws(StoreError) in try table.users(limit: limit) }
    }

    package func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) async throws(StoreError) -> Bool {
        try await run { table throws(StoreError) in try table.setPasswordHash(id, to: hash, replacing: old) }
    }

    package func ping() async throws(StoreError) {
        try await run { table throws(StoreError) in try table.ping() }
    }

    private func run<T: Sendable>(
        _ body: @escaping @Sendable (any UserTable) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try await pool.call(table.mapping.name) { [table] () throws(StoreError) in try body(table) }
    }
}
