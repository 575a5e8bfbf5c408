internal import Access
internal import Loop
internal import Wire

/// Hears from Redis which of the sessions that a worker has read are changed by anybody (CLIENT TRACKING, Redis 6), for that worker's
/// cache.
///
/// RESP2 cannot carry such news on the connection that reads, so they come on a second one, which is subscribed to them; the first one
/// names it (REDIRECT). There news and answers keep their order: with the answer to a PING, all has been heard that had been changed
/// before. And Redis sends the news for as long as it has the first connection, which may have ended without our knowing: so that
/// one is asked for a PING too, and only both answers together are Redis' word. Whatever ends either connection ends the cache's
/// trust at once, and both begin anew.
///
/// Clients are numbered by each server for itself, and Redis takes any number that it knows for REDIRECT. Where an address leads to
/// several servers (a name that a failover moves, a balancer), the two connections may end at different ones, each in good health. So
/// the news have to arrive once before anything is trusted: a key is read and written over the first connection.
final class RedisTracker {
    /// Milliseconds between two attempts: this doubled each time, up to the cap.
    private static let firstPause: Int64 = 100
    private static let longestPause: Int64 = 10_000
    /// Milliseconds that the answer to a PING may take before the connection is given up.
    private static let patience: Int64 = 2_000
    /// Redis' name for the channel of the news.
    private static let channel: [UInt8] = .word("__redis__:invalidate")

    private let connection: RedisConnection
    private let versions: SessionVersions
    private let loop: EventLoop
    private let dialer: RedisDialer
    private let waiter: Waiter
    /// Told when the news cannot be had, and when they can again.
    private let report: (String) -> Void
    private weak var cache: SessionCache?

    private var stream: ByteStream?
    private var reader: RedisReader?
    private let input = Buffer()
    private let output = Buffer()
    /// Those that wait for the answer on our connection, in the order in which they were sent.
    private var questions: [Question] = []
    private var isTracking = false
    /// The key whose news have to come before anything is trusted; nil once they have.
    private var proof: [UInt8]?
    /// Raised whenever either connection ends.
    private var era: UInt64 = 0
    private var isConnectionLost = false
    private var isStopped = false
    private var hasReported = false

    /// One that was sent over both connections.
    private final class Question {
        let sentAt: UInt64
        /// The tracker's when it was sent: an answer that comes in another one is about another connection.
        let era: UInt64
        var answers = 0

        init(sentAt: UInt64, era: UInt64) {
            self.sentAt = sentAt
            self.era = era
        }
    }

    /// - Parameter connection: the worker's, over which sessions are read.
    init(
        _ connection: RedisConnection, _ versions: SessionVersions, loop: EventLoop, pool: BlockingPool,
        report: @escaping (String) -> Void
    ) {
        self.connection = connection
        self.versions = versions
        self.loop = loop
        self.report = report
        dialer = RedisDialer(loop: loop, pool: pool)
        waiter = Waiter(loop: loop)
    }

    /// Works for `cache` until `stop`.
    func start(for cache: SessionCache) {
        self.cache = cache
        connection.onClose = { [weak self] in self?.connectionClosed() }
        // Safe: the task runs on the loop of the worker that this object belongs to, so on the same thread.
        nonisolated(unsafe) let tracker = self
        Task(executorPreference: loop) { await unsafe tracker.run() }
    }

    func stop() {
        isStopped = true
        waiter.wake()
    }

    /// Asks for Redis' word that all news so far have been heard.
    func ask() {
        guard isTracking, let stream, questions.count < 16 else { return }
        let question = Question(sentAt: Clock.monotonic(), era: era)
        questions.append(question)
        do throws(RedisProtocolError) { try RedisCommand("PING").append(to: output) } catch { return fail() }
        flush(stream)
        // The task may wait without a deadline.
        waiter.wake()
        // Safe: the task runs on the loop of the worker that these objects belong to, so on the same thread.
        nonisolated(unsafe) let (tracker, asked) = (self, question)
        Task(executorPreference: loop) { await unsafe tracker.askReader(asked) }
    }

    private func askReader(_ question: Question) async {
        do throws(StoreError) {
            _ = try await connection.send(RedisCommand("PING"), timeout: connection.timeouts.command)
        } catch {
            // A connection that broke has said so itself.
            return
        }
        answer(question)
    }

    private func answer(_ question: Question) {
        question.answers += 1
        if question.answers == 2 && question.era == era { cache?.vouch(from: question.sentAt) }
    }

    private func connectionClosed() {
        isConnectionLost = true
        fail()
    }

    private func fail() {
        distrust()
        waiter.wake()
    }

    private func distrust() {
        isTracking = false
        era &+= 1
        cache?.distrust()
    }

    // MARK: The task

    private func run() async {
        var failures: Int64 = 0
        while !isStopped {
            do throws(StoreError) {
                try await subscribe()
                failures = 0
                if hasReported { report("Redis tells again what becomes of sessions: they are kept at hand") }
                hasReported = false
                try await listen()
            } catch {
                if !hasReported && !isStopped {
                    report("sessions are looked up on every request, for Redis cannot tell what becomes of them: \(error)")
                    hasReported = true
                }
            }
            close()
            guard !isStopped else { return }
            let pause = min(Self.longestPause, Self.firstPause << min(failures, 10))
            failures += 1
            let until = loop.now.adding(milliseconds: pause)
            while !isStopped, await waiter.wait(until: until) {}
        }
        close()
    }

    private func close() {
        distrust()
        stream?.socket.waiter = nil
        stream?.socket.close()
        stream = nil
        reader = nil
        input.removeAll()
        output.removeAll()
        questions.removeAll()
    }

    /// Returns once the worker's own connection sends its news to ours.
    private func subscribe() async throws(StoreError) {
        _ = try await connection.send(RedisCommand("PING"), timeout: connection.timeouts.command)
        // It may have broken since the answer came, before this task had its turn.
        guard connection.isOpen, let location = connection.location else { throw .unavailable("Redis: the connection was lost") }
        isConnectionLost = false
        let deadline = loop.now.adding(milliseconds: connection.timeouts.connect)
        let stream: ByteStream
        do throws(RedisDialError) {
            stream = try await dialer.dial(location, attempt: 0, waiter, until: deadline)
        } catch { throw .unavailable("\(location): \(error.description)") }
        self.stream = stream
        stream.socket.waiter = waiter
        let reader = try makeReader(location)
        self.reader = reader
        let client = try await introduce(reader, stream, location, until: deadline)
        let track = RedisCommand("CLIENT", .word("TRACKING"), .word("ON"), .word("REDIRECT"), .decimal(client))
        let reply = try await connection.send(track, timeout: connection.timeouts.command)
        guard reply.isOK else { throw connection.unexpected(track, reply) }
        try await prove(reader, stream, location)
        guard !isConnectionLost else { throw .unavailable("\(location): the connection was lost") }
        isTracking = true
        ask()
    }

    /// Returns once a change of what the worker's connection has read has been heard of over ours.
    private func prove(_ reader: RedisReader, _ stream: ByteStream, _ location: RedisLocation) async throws(StoreError) {
        let key = RedisKey.proof()
        proof = key
        let write = RedisCommand("SET", key, .word("1"), .word("PX"), .decimal(1_000))
        _ = try await connection.send([RedisCommand("GET", key), write], timeout: connection.timeouts.command)
        let deadline = loop.now.adding(milliseconds: connection.timeouts.command)
        while proof != nil {
            do throws(StoreError) {
                take(try await next(reader, stream, location, until: deadline))
            } catch {
                throw .unavailable("\(location): no news come; does the address lead to more than one server? (\(error))")
            }
        }
    }

    /// - Returns: Redis' number for our connection.
    private func introduce(
        _ reader: RedisReader, _ stream: ByteStream, _ location: RedisLocation, until deadline: UInt64
    ) async throws(StoreError) -> Int64 {
        var commands: [RedisCommand] = []
        let login = location.login
        if let authentication = login.authentication { commands.append(authentication) }
        commands.append(RedisCommand("CLIENT", .word("ID")))
        commands.append(RedisCommand("SUBSCRIBE", Self.channel))
        do throws(RedisProtocolError) {
            for command in commands { try command.append(to: output) }
        } catch { throw .unavailable("\(location): \(error)") }
        flush(stream)
        var client: Int64?
        for command in commands {
            switch try await next(reader, stream, location, until: deadline) {
            case .error(let text): throw RedisError(text).storeError(location.description, command)
            case .integer(let number): client = number
            default: break
            }
        }
        guard let client else { throw .corrupt("\(location): CLIENT ID was not answered with a number") }
        return client
    }

    private func makeReader(_ location: RedisLocation) throws(StoreError) -> RedisReader {
        do throws(RedisProtocolError) { return try RedisReader() } catch { throw .unavailable("\(location): \(error)") }
    }

    /// Takes the news until something ends that.
    private func listen() async throws(StoreError) {
        guard let stream, let reader, let location = connection.location else { return }
        while !isStopped && isTracking {
            // Without a question nothing has to come.
            let deadline = questions.first.map { $0.sentAt.adding(milliseconds: Self.patience) } ?? .max
            take(try await next(reader, stream, location, until: deadline))
        }
        if !isStopped { throw .unavailable("\(location): the connection was lost") }
    }

    private func next(
        _ reader: RedisReader, _ stream: ByteStream, _ location: RedisLocation, until deadline: UInt64
    ) async throws(StoreError) -> RedisReply {
        while true {
            do throws(RedisProtocolError) {
                if let reply = try reader.next() { return reply }
            } catch { throw .unavailable("\(location): \(error)") }
            flush(stream)
            switch stream.read(into: input, room: 16_384) {
            case .octets:
                do throws(RedisProtocolError) { try reader.feed(input) } catch { throw .unavailable("\(location): \(error)") }
            case .wouldBlock:
                let until = questions.first.map { min(deadline, $0.sentAt.adding(milliseconds: Self.patience)) } ?? deadline
                guard await waiter.wait(until: until) || loop.now < until else {
                    throw .unavailable("\(location): it has not answered in time")
                }
                if isStopped || isConnectionLost { throw .unavailable("\(location): the connection was lost") }
            case .ended: throw .unavailable("\(location): \(stream.problem(nil))")
            case .failed(let code): throw .unavailable("\(location): \(stream.problem(code))")
            }
        }
    }

    private func flush(_ stream: ByteStream) {
        // What goes wrong here is seen by the next read.
        if case .octets(let count) = stream.write(output) { output.consume(count) }
    }

    // MARK: News

    /// `["message", channel, [key…]]`, the keys nil when all are gone; `["pong", ""]`.
    private func take(_ reply: RedisReply) {
        guard case .array(let parts) = reply, let first = parts.first else { return }
        if first == .bulk(.word("pong")) {
            if !questions.isEmpty { answer(questions.removeFirst()) }
        } else if first == .bulk(.word("message")), parts.count == 3 {
            if case .array(let keys) = parts[2] { keys.forEach(raise) } else { versions.raiseAll() }
        }
    }

    private func raise(_ reply: RedisReply) {
        guard case .bulk(let key) = reply else { return }
        if key == proof { proof = nil }
        guard key.starts(with: RedisKey.sessionPrefix) else { return }
        let text = String(decoding: key.dropFirst(RedisKey.sessionPrefix.count), as: UTF8.self)
        if let key = SessionKey(text: text) { versions.raise(key) }
    }
}
