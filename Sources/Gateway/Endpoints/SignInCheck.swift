import Access
import Loop
import Secrets
import Wire

/// Whether a name and a password are somebody's. Whoever is asked for, the same calls are made in the same order: one on the counts,
/// one on the users, one hash (rules 31 and 32).
struct SignInCheck {
    let users: any UserStore
    let throttle: any ThrottleStore
    let hashing: BlockingPool
    let login: GatewayConfiguration.Login
    let metrics: WorkerMetrics?

    /// - Parameter stores: whether the sign-in leaves anything in a store. One that gives a token does not, so neither is its address
    ///   remembered nor the hash renewed.
    /// - Throws: 401, 429 or 503.
    func user(for request: SignInRequest, stores: Bool, _ exchange: Exchange) async throws(SignInFailure) -> UserRecord {
        let name = try SignInName(request.username, login.usernames)
        let keys = ThrottleKeys(name: name.canonical, address: exchange.clientAddress)
        try await admit(keys, exchange)
        let found: UserRecord?
        do { found = try await users.find(username: name.canonical.text) } catch { throw SignInFailure.storeDown(error) }
        let known = name.isPossible ? found : nil
        switch try await outcome(of: known, request.password, keys, exchange) {
        case .wrongCredentials: throw SignInFailure.wrong(known)
        case .signedIn(let user, let rehash):
            let throttling = login.throttle
            let now = exchange.context.loop.wallClock
            do { try await throttle.update(keys) { throttling.succeed(&$0, remembers: stores, now: now) } } catch {
                throw SignInFailure.storeDown(error)
            }
            if rehash && stores && login.rehashes { await self.rehash(user, request.password, exchange) }
            return user
        }
    }

    private func admit(_ keys: ThrottleKeys, _ exchange: Exchange) async throws(SignInFailure) {
        let throttling = login.throttle
        let now = exchange.context.loop.wallClock
        let verdict: Throttle.Verdict
        do { verdict = try await throttle.update(keys) { throttling.admit(&$0, now: now) } } catch { throw SignInFailure.storeDown(error) }
        guard case .wait(let seconds) = verdict else { return }
        throw SignInFailure.throttled(seconds: seconds)
    }

    /// `seconds` as a person says it, rounded up.
    static func words(_ seconds: Int) -> String {
        switch seconds {
        case ...1: "1 second"
        case ..<90: "\(seconds) seconds"
        default: "\((seconds + 59) / 60) minutes"
        }
    }

    private func outcome(
        of user: UserRecord?, _ password: [UInt8], _ keys: ThrottleKeys, _ exchange: Exchange
    ) async throws(SignInFailure) -> SignInOutcome {
        let check = PasswordCheck(of: user, policy: login.passwordPolicy)
        if let fault = check.fault { exchange.note = "the stored password hash cannot be read: \(fault)" }
        let result: Result<SignInOutcome, PasswordHashError>
        let duration: UInt64
        do {
            (result, duration) = try await hashing.run { () -> (Result<SignInOutcome, PasswordHashError>, UInt64) in
                let startedAt = Clock.monotonic()
                let result = Result { () throws(PasswordHashError) in try check.run(password) }
                return (result, Clock.monotonic() &- startedAt)
            }
            metrics?.hashing.observe(duration)
        } catch {
            await withdraw(keys, exchange)
            throw SignInFailure.queueFull(user)
        }
        do { return try result.get() } catch {
            await withdraw(keys, exchange)
            throw SignInFailure.hashFailed("\(error)", user)
        }
    }

    /// The attempt was not made after all. That it stays counted if the store is down now costs a wait and nothing else.
    private func withdraw(_ keys: ThrottleKeys, _ exchange: Exchange) async {
        let throttling = login.throttle
        let now = exchange.context.loop.wallClock
        do { try await throttle.update(keys) { throttling.withdraw(&$0, now: now) } } catch {
            exchange.note = "the attempt stays counted: \(error)"
        }
    }

    /// Stores a stronger hash while the password is at hand. The sign-in is good either way, so a failure is for the log alone.
    private func rehash(_ user: UserRecord, _ password: [UInt8], _ exchange: Exchange) async {
        let policy = login.passwordPolicy
        // A password that the new algorithm does not take keeps its old hash.
        guard policy.fault(of: password) == nil else { return }
        do {
            let hash = try await hashing.run { Result { () throws(PasswordHashError) in try policy.hash(password) } }.get()
            let isStored = try await users.setPasswordHash(
                user.id, to: hash, replacing: user.passwordHash, now: exchange.context.loop.wallClock)
            if !isStored { exchange.note = "the password was changed while it was being hashed anew" }
        } catch {
            exchange.note = "the password could not be hashed anew: \(error)"
        }
    }
}

/// The one name under which an attempt is counted and looked up.
struct SignInName: Equatable {
    let canonical: UserName
    /// False: no account can have the name that was given. The attempt then goes the same way under a name made of its digest, so
    /// that it takes as long, and what that finds is nobody's.
    let isPossible: Bool

    init(_ presented: [UInt8], _ comparison: UserName.Comparison) throws(SignInFailure) {
        if let name = try? UserName(presented, comparison) {
            canonical = name
            isPossible = true
            return
        }
        do { canonical = try UserName(SHA256Digest(of: presented).hex) } catch { throw SignInFailure.wrong(nil) }
        isPossible = false
    }
}
