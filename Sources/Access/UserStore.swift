/// Where users are looked up, in a table of our own or of somebody else's. One object per worker; it does not leave its worker. `now`
/// is milliseconds since 1970.
package protocol UserStore: AnyObject {
    /// `username` is a `UserName`'s text; the store compares octets, or as that name was folded.
    func find(username: String) async throws(StoreError) -> UserRecord?
    func find(id: UserID) async throws(StoreError) -> UserRecord?
    /// At most `limit` users in the order of their ids.
    func all(limit: Int) async throws(StoreError) -> [UserRecord]
    /// False: no such user, or, where `old` is given, the hash is no longer that one: somebody else has changed the password.
    func setPasswordHash(
        _ id: UserID, to hash: String, replacing old: String?, now: Int64
    ) async throws(StoreError) -> Bool
    /// Returns when the store has answered.
    func ping() async throws(StoreError)
}

/// A users table of our own, which commands fill and change.
package protocol UserDirectory: UserStore {
    /// `.conflict` when the name or the id is taken.
    func insert(_ user: NewUser, now: Int64) async throws(StoreError) -> UserRecord
    /// False: no such user.
    func setDisabled(_ id: UserID, _ isDisabled: Bool, now: Int64) async throws(StoreError) -> Bool
    /// False: no such user.
    func setRole(_ id: UserID, to role: String, now: Int64) async throws(StoreError) -> Bool
    /// False: no such user.
    func remove(_ id: UserID) async throws(StoreError) -> Bool
}
