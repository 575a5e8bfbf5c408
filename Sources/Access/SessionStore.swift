/// Where sessions are kept. One object per worker; it does not leave its worker. `now` is milliseconds since 1970.
package protocol SessionStore: AnyObject {
    /// What the worker may keep of the answers of `find`; nil: nothing, for the store would not tell what became of it. Always the same.
    var cache: SessionCache? { get }
    /// `.conflict` when the key is taken.
    func insert(_ session: SessionRecord, now: Int64) async throws(StoreError)
    /// Nil: not there, or no longer live at `now`.
    func find(_ key: SessionKey, now: Int64) async throws(StoreError) -> SessionRecord?
    /// Moves `lastSeenAt` forward, never back; a session that is gone stays gone.
    func touch(_ key: SessionKey, lastSeenAt: Int64) async throws(StoreError)
    /// False: it was not there.
    func remove(_ key: SessionKey) async throws(StoreError) -> Bool
    /// The live sessions of `user`, newest first.
    func sessions(of user: UserID, now: Int64) async throws(StoreError) -> [SessionRecord]
    /// How many were removed.
    func removeAll(of user: UserID, except kept: SessionKey?) async throws(StoreError) -> Int
    /// At most `limit` live sessions of all users, newest first.
    func all(limit: Int, now: Int64) async throws(StoreError) -> [SessionRecord]
    /// Removes what is no longer live, and says how many; 0 where the store's values expire by themselves.
    func purge(now: Int64) async throws(StoreError) -> Int
    /// Returns when the store has answered.
    func ping() async throws(StoreError)
}
