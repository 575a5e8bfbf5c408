package import Access
package import Loop

/// What the workers of one process share of their session store; each of them makes a store of its own from it.
package enum SessionSource: Sendable {
    case memory(MemorySessions)
    case sqlite(SQLiteDatabase)
    case postgresql(PostgreSQLDatabase)
    case redis(RedisDeployment, RedisTimeouts)

    /// Call on the worker that will use the store.
    /// - Parameters:
    ///   - usersInSameFile: the users are kept in the same SQLite file or PostgreSQL database.
    ///   - caching: sessions that the worker may keep; nil: none. Of PostgreSQL, of a cluster of Redis servers, and of memory, none are.
    package func makeStore(
        loop: EventLoop, pool: BlockingPool, usersInSameFile: Bool = false, caching: SessionCaching? = nil
    ) -> any SessionStore {
        switch self {
        case .memory(let sessions): MemoryStore(sessions)
        case .sqlite(let database):
            SQLiteStore(
                database, pool: pool, endsSessions: usersInSameFile, caching: caching.map { (loop: loop, capacity: $0.capacity) })
        case .postgresql(let database): PostgreSQLStore(database, endsSessions: usersInSameFile)
        case .redis(let deployment, let timeouts): RedisSessionStore(deployment, loop: loop, pool: pool, timeouts: timeouts, caching: caching)
        }
    }
}

/// How a store's answers may be kept.
package struct SessionCaching: Sendable {
    /// Sessions that a worker keeps.
    package let capacity: Int
    /// One for all workers.
    package let versions = SessionVersions()
    /// Told when sessions cannot be kept although they should, and when they can again.
    package let report: @Sendable (String) -> Void

    package init(capacity: Int, report: @escaping @Sendable (String) -> Void) {
        self.capacity = capacity
        self.report = report
    }
}
