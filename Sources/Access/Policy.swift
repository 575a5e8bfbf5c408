/// What a route requires of who is signed in: one of the roles and one of the users, where a list
/// is given. Of somebody with several roles each counts.
package struct Policy: Sendable, Equatable {
    package let roles: [[UInt8]]
    /// User names, in octets; not ids, so that nobody passes by choosing another user's id for a name.
    package let users: [[UInt8]]

    package init(roles: [[UInt8]] = [], users: [[UInt8]] = []) {
        self.roles = roles
        self.users = users
    }

    package var isEmpty: Bool { roles.isEmpty && users.isEmpty }

    /// Why `identity` may not pass; nil when it may.
    package func objection(to identity: Identity) -> Refusal? {
        if !roles.isEmpty, !roles.contains(where: { RoleList.contains($0, in: identity.role) }) { return .roleNotAllowed }
        if !users.isEmpty, !users.contains(where: { !$0.isEmpty && $0 == identity.username }) { return .userNotAllowed }
        return nil
    }
}
