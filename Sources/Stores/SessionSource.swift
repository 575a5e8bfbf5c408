package import Access
package import Loop

/// What the workers of one process share of their session store; each of them makes a store of its own from it.
package enum SessionSource: Sendable {
    case memory(MemorySessions)
    case sqlite(SQLiteDatabase)
    case postgresql(PostgreSQLDatabase)
    case redis(RedisDeployment, RedisTimeouts)

    /// Call on the worker that will use the store.
    /// - Parameter usersInSameFile: the users are kept in the same SQLite file or PostgreSQL database.
    package func makeStore(loop: EventLoop, pool: BlockingPool, usersInSameFile: Bool = false) -> any SessionStore {
        switch self {
        case .memory(let sessions): MemoryStore(sessions)
        case .sqlite(let database): SQLiteStore(database, pool: pool, endsSessions: usersInSameFile)
        case .postgresql(let database): PostgreSQLStore(database, endsSessions: usersInSameFile)
        case .redis(let deployment, let timeouts): RedisSessionStore(deployment, loop: loop, pool: pool, timeouts: timeouts)
        }
    }
}
