internal import Access
internal import Loop
internal import Synchronization

/// The connections of one process to one database: a bounded number, opened when needed, kept, and never handed to two.
///
/// When a connection is lost, all of its generation are given up. When the server cannot be reached or does not answer,
/// that is known from then on: calls fail at once, except that the first after the back-off tries again.
final class PostgreSQLPool: Sendable {
    private struct State {
        var idle: [PostgreSQLConnection] = []
        /// Idle, in use, and being opened.
        var count = 0
        /// Of this generation, and known to work.
        var working = 0
        var generation: UInt64 = 0
        /// Why the server is known to be down; nil while it is not.
        var failure: StoreError?
        var isTrying = false
        var failedAttempts = 0
        var nextAttempt: UInt64 = 0
    }

    /// Milliseconds from a failed attempt to the next: this doubled each time, up to the cap. The cap leaves time for an
    /// attempt within the second after the server's return.
    private static let firstPause: Int64 = 50
    private static let longestPause: Int64 = 250

    let location: PostgreSQLLocation
    private let size: Int
    private let connectTimeout: Int64
    private let state = Mutex(State())

    /// - Parameter connectTimeout: milliseconds for one server.
    init(_ location: PostgreSQLLocation, size: Int, connectTimeout: Int64) {
        self.location = location
        self.size = size
        self.connectTimeout = location.connectTimeout.map { Int64($0) * 1_000 } ?? connectTimeout
    }

    /// A connection that the caller alone has, until it gives it back.
    func take() throws(StoreError) -> PostgreSQLConnection {
        while let idle = state.withLock({ $0.idle.popLast() }) {
            if idle.isQuiet { return idle }
            // The server has ended it, and so most likely the others.
            lose(idle)
        }
        return try open()
    }

    /// Ends what `take` began. What is not kept is closed by its last reference, outside the lock.
    func giveBack(_ connection: PostgreSQLConnection) {
        switch connection.state {
        case .lost: lose(connection)
        case .silent(let failure): lose(connection, failure)
        case .fit:
            let isIdle = connection.isIdle
            state.withLock { state in
                if isIdle, connection.generation == state.generation { return state.idle.append(connection) }
                state.count -= 1
                if connection.generation == state.generation { state.working -= 1 }
            }
        }
    }

    /// Gives up `connection`, and with it all of its generation.
    private func lose(_ connection: PostgreSQLConnection, _ failure: StoreError? = nil) {
        let _: [PostgreSQLConnection] = state.withLock { state in
            state.count -= 1
            guard connection.generation == state.generation else { return [] }
            state.generation &+= 1
            state.working = 0
            state.count -= state.idle.count
            if let failure { Self.fail(&state, failure) }
            defer { state.idle = [] }
            return state.idle
        }
    }

    // MARK: Opening

    private func open() throws(StoreError) -> PostgreSQLConnection {
        let generation = try admit()
        var reason = "no server is named"
        for host in location.hosts {
            do throws(PostgreSQLFault) {
                let deadline = Clock.monotonic().adding(milliseconds: connectTimeout)
                let connection = try PostgreSQLConnection(location, host, generation: generation, until: deadline)
                state.withLock { state in
                    (state.failure, state.isTrying, state.failedAttempts) = (nil, false, 0)
                    if generation == state.generation { state.working += 1 }
                }
                return connection
            } catch {
                switch error {
                case .silent(let text): reason = "\(host.name):\(host.port): \(text)"
                case .lost(let text), .refused(_, _, let text): reason = text
                }
            }
        }
        let failure = StoreError.unavailable("\(location): \(reason)")
        state.withLock { state in
            state.count -= 1
            state.isTrying = false
            // A server that takes no further connection still serves those that it has.
            if state.working == 0 { Self.fail(&state, failure) }
        }
        throw failure
    }

    /// The generation of a connection that may now be opened.
    private func admit() throws(StoreError) -> UInt64 {
        let result: Result<UInt64, StoreError> = state.withLock { state in
            if let failure = state.failure {
                guard !state.isTrying, Clock.monotonic() >= state.nextAttempt else { return .failure(failure) }
            }
            guard state.count < size else {
                return .failure(.unavailable("\(location): all \(size) connections are in use"))
            }
            state.isTrying = state.failure != nil
            state.count += 1
            return .success(state.generation)
        }
        return try result.get()
    }

    private static func fail(_ state: inout State, _ failure: StoreError) {
        state.failure = failure
        let pause = min(firstPause << Int64(min(state.failedAttempts, 8)), longestPause)
        state.failedAttempts += 1
        state.nextAttempt = Clock.monotonic().adding(milliseconds: pause)
    }
}
