internal import Access
internal import Loop
internal import Wire

/// How long Redis is waited for, in milliseconds.
package struct RedisTimeouts: Sendable {
    /// For one command of a check: it stands between a client and its answer.
    package var command: Int64 = 100
    /// For a connection: the look-up of the name, the connect and the first exchange together.
    package var connect: Int64 = 100
    /// For the commands of lists and of revoking many sessions, which people wait for.
    package var list: Int64 = 1_000

    package init() {}
}

/// One worker's connection to Redis, shared by all of its tasks: their commands travel in order, many in flight.
///
/// No task of its own drives it. A task that sends puts its commands into the output; the first of a loop turn lets
/// the turn go by and then writes the output at once. The socket wakes whoever waits for the oldest reply, and that
/// task reads for all.
///
/// Replies come in the order of the commands, so one that does not come blocks those behind it: whatever goes wrong,
/// a late reply included, closes the connection and fails all that is in flight. Nothing is sent twice. Then the
/// server is known to be down: commands fail at once, except that the first after the back-off tries to connect.
///
/// With sentinels, each connection is made to the server that they name, once it says itself that it is a master; and they
/// are asked again while it is used, for the old master may live on, cut off from them.
final class RedisConnection {
    private enum Target {
        case server(RedisLocation)
        case master(RedisMaster)
    }

    private enum Phase { case closed, connecting, open }

    /// Look-ups that are kept for the next ones.
    private static let maximumSpare = 256
    /// Commands in flight at most; a worker with more open exchanges than that is told so instead of using up memory.
    private static let maximumInFlight = 10_000
    /// Milliseconds between two questions to the sentinels while there is a connection.
    private static let watchInterval: Int64 = 200

    let timeouts: RedisTimeouts
    private let target: Target
    /// Where the connection leads, or led last; nil until sentinels have named a master.
    private(set) var location: RedisLocation?
    private let loop: EventLoop
    private let dialer: RedisDialer

    private var phase = Phase.closed
    private var stream: ByteStream?
    private var reader: RedisReader?
    private let input = Buffer()
    private let output = Buffer()
    private let inFlight = RedisQueue()
    /// Look-ups that are done, for the next ones.
    private let spare = RedisQueue()
    private var isFlushDue = false

    private var backOff = RedisBackOff()
    /// Tasks that wait for a connection that is being made.
    private var waiting: [Waiter] = []
    /// Told when a connection that was open is no more.
    var onClose: (() -> Void)?
    private var isWatching = false
    private var nextWatch: UInt64 = 0

    init(_ location: RedisLocation, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        target = .server(location)
        self.location = location
        self.timeouts = timeouts
        self.loop = loop
        dialer = RedisDialer(loop: loop, pool: pool)
    }

    init(_ sentinels: RedisSentinels, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        target = .master(RedisMaster(sentinels, timeouts: timeouts, loop: loop, pool: pool))
        self.timeouts = timeouts
        self.loop = loop
        dialer = RedisDialer(loop: loop, pool: pool)
    }

    /// Commands can be sent without connecting first.
    var isOpen: Bool { phase == .open }

    /// For messages.
    private var place: String {
        if let location { return location.description }
        return switch target {
        case .server(let location): location.description
        case .master(let master): master.sentinels.description
        }
    }

    // MARK: Sending

    /// Sends commands without anybody else's in between and returns their replies, one for each, error replies among them.
    func exchange(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        let exchange = RedisExchange(waiter: Waiter(loop: loop), expected: commands.count)
        if !isReady() { try await open(exchange.waiter) }
        try checkRoom()
        try append(commands)
        try await complete(exchange, timeout: timeout)
        return exchange.replies
    }

    /// What `read` makes of the string that one command is answered with; nil when the answer is that there is none. An error reply is
    /// thrown.
    ///
    /// For the look-up of every check: through `send`, with commands, replies and their copies, one cost 14,000 instructions and 18
    /// allocations more.
    /// - Parameter command: writes the command, whose name is `name`.
    func lookUp<Value>(
        _ name: StaticString, timeout: Int64, command: (Buffer) -> Void, read: (RawSpan) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value? {
        let exchange = spare.takeFirst() ?? RedisExchange(lookUp: Waiter(loop: loop))
        if !isReady() { try await open(exchange.waiter) }
        try checkRoom()
        command(output)
        try await complete(exchange, timeout: timeout)
        defer {
            exchange.reset()
            if spare.count < Self.maximumSpare { spare.append(exchange) }
        }
        if exchange.hasValue, let value = exchange.value { return try read(value.readable) }
        switch exchange.replies.first {
        case .null: return nil
        case .error(let text): throw refused(RedisCommand(name), text)
        case let reply: throw unexpected(RedisCommand(name), reply ?? .null)
        }
    }

    private func checkRoom() throws(StoreError) {
        guard inFlight.count < Self.maximumInFlight else {
            throw unavailable("\(Self.maximumInFlight) commands wait already")
        }
    }

    /// Sends what has been put into the output, and returns when all of the exchange's replies have come.
    private func complete(_ exchange: RedisExchange, timeout: Int64) async throws(StoreError) {
        enqueue(exchange)
        if !isFlushDue {
            isFlushDue = true
            await exchange.waiter.yield()
            isFlushDue = false
            flush()
        }
        if case .master = target { watch() }
        try await wait(for: exchange, until: loop.now.adding(milliseconds: timeout), milliseconds: timeout)
    }

    /// The error for a reply of a kind that `command` does not have.
    func unexpected(_ command: RedisCommand, _ reply: RedisReply) -> StoreError {
        .corrupt("\(place): \(command.name) was answered with \(reply.kind)")
    }

    private func append(_ commands: [RedisCommand]) throws(StoreError) {
        let mark = output.count
        do throws(RedisProtocolError) {
            for command in commands { try command.append(to: output) }
        } catch {
            output.truncate(to: mark)
            throw unavailable("no memory for a command")
        }
    }

    private func enqueue(_ exchange: RedisExchange) {
        inFlight.append(exchange)
        if inFlight.count == 1, let stream { stream.socket.waiter = exchange.waiter }
    }

    private func wait(
        for exchange: RedisExchange, until deadline: UInt64, milliseconds: Int64
    ) async throws(StoreError) {
        while !exchange.isDone {
            let isInTime = await exchange.wait(until: deadline)
            if exchange.isDone { break }
            // Also when it is too late: after a long turn the reply may lie in the socket unread.
            pump()
            if !isInTime && !exchange.isDone { fail("it has not answered within \(milliseconds) ms") }
        }
        if let failure = exchange.failure { throw failure }
    }

    // MARK: Moving octets

    private func pump() {
        if !isFlushDue { flush() }
        while let stream {
            switch stream.read(into: input, room: 16_384) {
            case .octets: takeReplies()
            case .wouldBlock: return
            case .ended: return fail(stream.problem(nil))
            case .failed(let code): return fail(stream.problem(code))
            }
        }
    }

    private func flush() {
        guard let stream else { return }
        // Encrypted, more than the output may wait to leave.
        if output.isEmpty, case .plain = stream { return }
        switch stream.write(output) {
        case .octets(let count): output.consume(count)
        case .wouldBlock: break
        case .ended: fail(stream.problem(nil))
        case .failed(let code): fail(stream.problem(code))
        }
    }

    private func takeReplies() {
        guard let reader else { return }
        let input = input
        while reader.isBetweenReplies, let exchange = inFlight.first, exchange.value != nil, let string = RedisString(input.octets) {
            exchange.take(string, from: input)
            input.consume(string.length)
            removeFirst()
        }
        if input.isEmpty { return }
        do throws(RedisProtocolError) {
            try reader.feed(input)
            while let reply = try reader.next() {
                guard let exchange = inFlight.first else { throw .unexpected }
                exchange.take(reply)
                if exchange.isDone { removeFirst() }
            }
        } catch {
            fail("\(error)")
        }
    }

    private func removeFirst() {
        inFlight.takeFirst()
        if let stream { stream.socket.waiter = inFlight.first?.waiter }
    }

    // MARK: Opening

    /// Whether commands can be sent at once.
    private func isReady() -> Bool {
        // Nobody reads while nothing is in flight, so the server may have closed the connection long ago.
        if phase == .open && inFlight.isEmpty { pump() }
        return phase == .open
    }

    /// Returns when the connection is open; parks on `waiter` meanwhile.
    private func open(_ waiter: Waiter) async throws(StoreError) {
        let deadline = loop.now.adding(milliseconds: timeouts.connect)
        while true {
            switch phase {
            case .open:
                if isReady() { return }
            case .connecting:
                if let failure = backOff.failure { throw failure }
                waiting.append(waiter)
                guard await waiter.wait(until: deadline) else {
                    waiting.removeAll { $0 === waiter }
                    throw unavailable("no connection within \(timeouts.connect) ms")
                }
            case .closed:
                if let failure = backOff.objection(at: loop.now) { throw failure }
                try await connect(waiter, until: deadline)
            }
        }
    }

    private func connect(_ waiter: Waiter, until deadline: UInt64) async throws(StoreError) {
        phase = .connecting
        defer {
            for waiter in waiting { waiter.wake() }
            waiting.removeAll()
        }
        do throws(StoreError) {
            let location = try await locate(until: deadline)
            self.location = location
            let stream: ByteStream
            do throws(RedisDialError) {
                stream = try await dialer.dial(location, attempt: backOff.failedAttempts, waiter, until: deadline)
            } catch { throw unavailable(error.description) }
            do throws(RedisProtocolError) { reader = try RedisReader() } catch { throw unavailable("\(error)") }
            self.stream = stream
            try await introduce(location, waiter, until: deadline)
            // What came behind the last reply may have ended the connection while this task was on its way back.
            guard self.stream?.socket === stream.socket else { throw backOff.failure ?? unavailable("the connection broke at once") }
        } catch {
            close(error)
            backOff.postpone(error, at: loop.now)
            throw error
        }
        phase = .open
        backOff.opened(at: loop.now)
        nextWatch = loop.now.adding(milliseconds: Self.watchInterval)
    }

    private func locate(until deadline: UInt64) async throws(StoreError) -> RedisLocation {
        switch target {
        case .server(let location): location
        case .master(let master): try await master.locate(until: deadline)
        }
    }

    /// Says who we are and which database, and asks for a sign of life: a kernel takes connections for a Redis that
    /// hangs, and a Redis that loads its data answers, but not to us.
    private func introduce(_ location: RedisLocation, _ waiter: Waiter, until deadline: UInt64) async throws(StoreError) {
        var commands: [RedisCommand] = []
        let login = location.login
        if let authentication = login.authentication { commands.append(authentication) }
        if login.database != 0 {
            commands.append(RedisCommand("SELECT", .decimal(Int64(login.database))))
        }
        if case .master = target { commands.append(RedisCommand("ROLE")) }
        commands.append(RedisCommand("PING"))
        let exchange = RedisExchange(waiter: waiter, expected: commands.count)
        try append(commands)
        enqueue(exchange)
        flush()
        try await wait(for: exchange, until: deadline, milliseconds: timeouts.connect)
        for (command, reply) in zip(commands, exchange.replies) {
            switch reply {
            case .error(let text): throw RedisError(text).storeError(place, command)
            case .status: break
            // Of ROLE; nothing else here is answered so.
            case .array(let parts):
                guard parts.first == .bulk(.word("master")) else { throw unavailable("it is no master, though its sentinels name it") }
            default: throw unexpected(command, reply)
            }
        }
        // Whatever else listens there must not be taken for a Redis that has no sessions.
        guard exchange.replies.last == .status(Array("PONG".utf8)) else { throw unavailable("it is not a Redis") }
    }

    /// Asks the sentinels, beside the command that is under way and without holding it up, whether this is the master still.
    private func watch() {
        guard phase == .open, !isWatching, loop.now >= nextWatch else { return }
        isWatching = true
        // The task runs on the loop, where alone a connection is touched.
        nonisolated(unsafe) let connection = self
        Task(executorPreference: loop) { await unsafe connection.compare() }
    }

    private func compare() async {
        guard case .master(let master) = target else { return }
        let named = try? await master.locate(until: loop.now.adding(milliseconds: timeouts.connect))
        isWatching = false
        nextWatch = loop.now.adding(milliseconds: Self.watchInterval)
        guard phase == .open, let named, named.endpoint != location?.endpoint else { return }
        fail("its sentinels name another master now: \(named.endpoint)")
    }

    // MARK: Failing

    private func unavailable(_ problem: String) -> StoreError { .unavailable("\(place): \(problem)") }

    /// Closes the connection and fails all that is in flight.
    private func fail(_ problem: String) {
        guard stream != nil || !inFlight.isEmpty else { return }
        fail(unavailable(problem))
    }

    private func fail(_ error: StoreError) {
        let wasOpen = phase == .open
        // Idle and closed by the server is no failure: the next command connects again, and others wait for it.
        let wasIdle = inFlight.isEmpty
        close(error)
        guard wasOpen else { return }
        if wasIdle { backOff.endedIdle() } else { backOff.ended(by: error, at: loop.now) }
    }

    private func close(_ error: StoreError) {
        if phase == .open { onClose?() }
        stream?.socket.waiter = nil
        stream?.socket.close()
        stream = nil
        reader = nil
        phase = .closed
        input.removeAll()
        output.removeAll()
        while let exchange = inFlight.takeFirst() { exchange.finish(error) }
    }

    /// What an error reply means for the caller, and for the connection: a server that says that it cannot serve is
    /// left, so that the next connection may find the one that has taken its place.
    func refused(_ command: RedisCommand, _ text: [UInt8]) -> StoreError {
        let error = RedisError(text)
        let storeError = error.storeError(place, command)
        if error.isServerUnfit && phase == .open { fail(storeError) }
        return storeError
    }
}
