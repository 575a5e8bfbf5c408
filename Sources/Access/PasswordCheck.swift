package import Secrets

/// One attempt to sign in with a password: what to compute, and what follows from it.
///
/// Rules 31 and 32: exactly one hash is computed, whoever is asked for. An unknown user's and an unreadable hash's place
/// is taken by a dummy of the policy's algorithm and cost; a disabled user's own hash is computed like any other. All of them get
/// the same answer.
package struct PasswordCheck: Sendable {
    /// What the password is checked against.
    package let hash: PasswordHash
    /// For the log: the users table holds a hash that cannot be read (rule 34).
    package let fault: PasswordHashError?
    private let user: UserRecord?
    private let policy: PasswordPolicy

    /// `user` is what the store has under the canonical name, nil for nobody.
    package init(of user: UserRecord?, policy: PasswordPolicy) {
        self.policy = policy
        guard let user else {
            hash = policy.dummy()
            fault = nil
            self.user = nil
            return
        }
        do {
            hash = try PasswordHash(parsing: user.passwordHash)
            fault = nil
            self.user = user
        } catch {
            hash = policy.dummy()
            fault = error
            self.user = nil
        }
    }

    /// Computes the hash, so it blocks; for the pool. Throws when it could not be computed, which says nothing of the password.
    package func run(_ password: [UInt8]) throws(PasswordHashError) -> SignInOutcome {
        outcome(matches: try hash.verify(password))
    }

    /// What follows when the computation says that the password matches `hash`, or does not.
    package func outcome(matches: Bool) -> SignInOutcome {
        guard matches, let user, !user.isDisabled else { return .wrongCredentials }
        return .signedIn(user, rehash: hash.isWeaker(than: policy))
    }
}

package enum SignInOutcome: Sendable, Equatable {
    /// `rehash`: the stored hash is weaker than the policy, and now is the moment at which the password is at hand.
    case signedIn(UserRecord, rehash: Bool)
    /// Unknown, disabled or wrong: nobody outside can tell which.
    case wrongCredentials
}
