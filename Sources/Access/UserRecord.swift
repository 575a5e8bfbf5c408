/// One row of the users table.
package struct UserRecord: Sendable {
    package var id: UserID
    package var username: String
    /// A modular-crypt string. From a database, so input (rule 34): `PasswordHash` bounds it.
    package var passwordHash: String
    /// One role, or several as a `RoleList`.
    package var role: String
    package var isDisabled: Bool

    package init(id: UserID, username: String, passwordHash: String, role: String, isDisabled: Bool) {
        self.id = id
        self.username = username
        self.passwordHash = passwordHash
        self.role = role
        self.isDisabled = isDisabled
    }
}

extension UserRecord: Equatable {
    // `String` holds texts equal that have different octets; two users may differ in just that.
    package static func == (left: UserRecord, right: UserRecord) -> Bool {
        left.id == right.id && left.username.utf8.elementsEqual(right.username.utf8)
            && left.passwordHash.utf8.elementsEqual(right.passwordHash.utf8)
            && left.role.utf8.elementsEqual(right.role.utf8) && left.isDisabled == right.isDisabled
    }
}
