/// What the profile service knows of one user.
package struct Profile: Sendable, Equatable {
    package let userID: String
    package let displayName: String
    package let email: String
    package let bio: String

    package init(userID: String, displayName: String, email: String, bio: String) {
        self.userID = userID
        self.displayName = displayName
        self.email = email
        self.bio = bio
    }

    /// The user of the examples.
    package static let alice = Profile(
        userID: "101", displayName: "Alice Example", email: "alice@example.com", bio: "Was here before the gateway.")
}
