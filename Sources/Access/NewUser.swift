/// A user to be added: name and roles are checked, so that what the table holds can be injected.
package struct NewUser: Sendable {
    /// Nil: the store gives the next free one.
    package let id: UserID?
    package let username: UserName
    package let passwordHash: String
    /// One role, or several as a `RoleList`.
    package let role: String

    package init(id: UserID? = nil, username: UserName, passwordHash: String, role: String) throws(IdentityError) {
        try RoleList.check(Array(role.utf8))
        self.id = id
        self.username = username
        self.passwordHash = passwordHash
        self.role = role
    }
}
