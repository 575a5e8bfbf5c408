import Access

/// Why somebody was not signed in: what the client is told, which is the same for unknown, disabled and wrong (rule 32), and
/// what the audit log is.
struct SignInFailure: Error {
    let problem: Problem
    let event: AuditEvent

    private init(_ problem: Problem, _ outcome: AuditEvent.Outcome, _ reason: AuditEvent.Reason, of user: UserRecord? = nil) {
        self.problem = problem
        event = AuditEvent(.signIn, outcome, reason, of: user)
    }

    /// - Parameter user: who has the name; nil: nobody.
    static func wrong(_ user: UserRecord?) -> SignInFailure {
        let reason: AuditEvent.Reason = user.map { $0.isDisabled ? .disabled : .wrongPassword } ?? .unknownUser
        return SignInFailure(Problem(401, "The user name or the password is wrong."), .failed, reason, of: user)
    }

    /// The account ended while its password was checked.
    static func ended(_ user: UserRecord) -> SignInFailure { SignInFailure(wrong(user).problem, .failed, .disabled, of: user) }

    /// The name itself is not looked up, so the log cannot say whether anybody has it.
    static func throttled(seconds: Int) -> SignInFailure {
        SignInFailure(
            Problem(429, "Too many attempts. Try again in \(SignInCheck.words(seconds)).", retryAfter: seconds), .throttled, .tooManyFailures)
    }

    static func storeDown(_ error: StoreError) -> SignInFailure {
        SignInFailure(Problem(error, "Nobody can be signed in at the moment. Try again in a moment."), .unavailable, .storeDown)
    }

    /// Rule 34: the queue is bounded, and beyond it nobody waits.
    static func queueFull(_ user: UserRecord?) -> SignInFailure {
        SignInFailure(
            Problem(503, "Too many people are signing in. Try again in a moment.", retryAfter: 1, note: "the hashing pool is full"),
            .unavailable, .hashQueueFull, of: user)
    }

    static func hashFailed(_ why: String, _ user: UserRecord?) -> SignInFailure {
        SignInFailure(
            Problem(
                503, "Nobody can be signed in at the moment. Try again in a moment.", retryAfter: 1,
                note: "no password hash could be computed: \(why)"), .unavailable, .hashFailed, of: user)
    }

    static func notPossible(_ why: String, _ user: UserRecord) -> SignInFailure {
        SignInFailure(
            Problem(500, "The password is right, but the sign-in could not be completed.", note: why), .failed, .notPossible, of: user)
    }
}
