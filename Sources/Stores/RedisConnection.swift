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
final class RedisConnection {
    private enum Phase { case closed, connecting, open }

    /// Commands in flight at most; a worker with more open exchanges than that is told so instead of using up memory.
    private static let maximumInFlight = 10_000
    /// Milliseconds from a failed attempt to the next: this doubled each time, up to the cap, and by chance down to
    /// the half of it, so that many workers do not return in step.
    private static let firstPause: Int64 = 50
    private static let longestPause: Int64 = 1_000

    let timeouts: RedisTimeouts
    private let location: RedisLocation
    private let loop: EventLoop
    private let pool: BlockingPool

    private var phase = Phase.closed
    private var socket: Socket?
    private var reader: RedisReader?
    private let input = Buffer()
    private let output = Buffer()
    private var inFlight = RedisQueue()
    private var isFlushDue = false

    /// Why the server is known to be down; nil while it is not.
    private var failure: StoreError?
    private var failedAttempts = 0
    private var nextAttempt: UInt64 = 0
    private var openedAt: UInt64 = 0
    private var lookup: RedisLookup?
    /// Tasks that wait for a connection that is being made.
    private var waiting: [Waiter] = []

    init(_ location: RedisLocation, timeouts: RedisTimeouts, loop: EventLoop, pool: BlockingPool) {
        self.location = location
        self.timeouts = timeouts
        self.loop = loop
        self.pool = pool
    }

    // MARK: Sending

    /// Sends one command and returns its reply. An error reply is thrown.
    func send(_ command: RedisCommand, timeout: Int64) async throws(StoreError) -> RedisReply {
        let replies = try await send([command], timeout: timeout)
        guard let reply = replies.first else { throw unexpected(command, .null) }
        return reply
    }

    /// Sends commands without anybody else's in between and returns their replies, one for each. The first error reply
    /// is thrown.
    func send(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        let exchange = RedisExchange(loop: loop, expected: commands.count)
        try await open(exchange.waiter)
        guard inFlight.count < Self.maximumInFlight else {
            throw .unavailable("\(location): \(Self.maximumInFlight) commands wait already")
        }
        try append(commands)
        enqueue(exchange)
        if !isFlushDue {
            isFlushDue = true
            await Task.yield()
            isFlushDue = false
            flush()
        }
        try await wait(for: exchange, until: loop.now.adding(milliseconds: timeout), milliseconds: timeout)
        for (command, reply) in zip(commands, exchange.replies) {
            if case .error(let text) = reply { throw refused(command, text) }
        }
        return exchange.replies
    }

    /// The error for a reply of a kind that `command` does not have.
    func unexpected(_ command: RedisCommand, _ reply: RedisReply) -> StoreError {
        .corrupt("\(location): \(command.name) was answered with \(reply.kind)")
    }

    private func append(_ commands: [RedisCommand]) throws(StoreError) {
        let mark = output.count
        do throws(RedisProtocolError) {
            for command in commands { try command.append(to: output) }
        } catch {
            output.truncate(to: mark)
            throw .unavailable("\(location): no memory for a command")
        }
    }

    private func enqueue(_ exchange: RedisExchange) {
        inFlight.append(exchange)
        if inFlight.count == 1 { socket?.waiter = exchange.waiter }
    }

    private func wait(
        for exchange: RedisExchange, until deadline: UInt64, milliseconds: Int64
    ) async throws(StoreError) {
        while !exchange.isDone {
            let isInTime = await exchange.waiter.wait(until: deadline)
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
        while let socket {
            switch socket.read(into: input, room: 16_384) {
            case .octets: takeReplies()
            case .wouldBlock: return
            case .ended: return fail("it closed the connection")
            case .failed(let code): return fail("the connection broke: \(SystemError.text(code))")
            }
        }
    }

    private func flush() {
        guard let socket, !output.isEmpty else { return }
        switch socket.write(output) {
        case .octets(let count): output.consume(count)
        case .wouldBlock: break
        case .ended: fail("it closed the connection")
        case .failed(let code): fail("the connection broke: \(SystemError.text(code))")
        }
    }

    private func takeReplies() {
        guard let reader else { return }
        do throws(RedisProtocolError) {
            try reader.feed(input)
            while let reply = try reader.next() {
                guard let exchange = inFlight.first else { throw .unexpected }
                exchange.replies.append(reply)
                guard exchange.replies.count == exchange.expected else { continue }
                inFlight.removeFirst()
                socket?.waiter = inFlight.first?.waiter
                exchange.finish()
            }
        } catch {
            fail("\(error)")
        }
    }

    // MARK: Opening

    /// Returns when the connection is open; parks on `waiter` meanwhile.
    private func open(_ waiter: Waiter) async throws(StoreError) {
        let deadline = loop.now.adding(milliseconds: timeouts.connect)
        while true {
            switch phase {
            case .open:
                // Nobody reads while nothing is in flight, so the server may have closed the connection long ago.
                if inFlight.isEmpty { pump() }
                if phase == .open { return }
            case .connecting:
                if let failure { throw failure }
                waiting.append(waiter)
                guard await waiter.wait(until: deadline) else {
                    waiting.removeAll { $0 === waiter }
                    throw .unavailable("\(location): no connection within \(timeouts.connect) ms")
                }
            case .closed:
                if let failure, loop.now < nextAttempt { throw failure }
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
            let socket = try await connectSocket(waiter, until: deadline)
            do throws(RedisProtocolError) { reader = try RedisReader() } catch { throw unavailable("\(error)") }
            self.socket = socket
            try await introduce(waiter, until: deadline)
            // What came behind the last reply may have ended the connection while this task was on its way back.
            guard self.socket === socket else { throw failure ?? unavailable("the connection broke at once") }
        } catch {
            close(error)
            postpone(error)
            throw error
        }
        phase = .open
        failure = nil
        openedAt = loop.now
    }

    private func connectSocket(_ waiter: Waiter, until deadline: UInt64) async throws(StoreError) -> Socket {
        let addresses = try await lookUp(waiter, until: deadline)
        var problem = "no address"
        // After a failure another address of the name comes first: one that does not answer uses up the whole time.
        for index in addresses.indices {
            let address = addresses[(index + failedAttempts) % addresses.count]
            do throws(ConnectError) {
                return try await Socket.connect(to: address, loop: loop, waiter: waiter, until: deadline)
            } catch {
                problem = "\(error)"
            }
            if loop.now >= deadline { break }
        }
        throw unavailable(problem)
    }

    /// The name is looked up anew for each connection, because a failover may move it.
    private func lookUp(_ waiter: Waiter, until deadline: UInt64) async throws(StoreError) -> [SocketAddress] {
        if let octets = SocketAddress.octets(ofNumericHost: location.host),
            let address = SocketAddress(octets: octets, port: location.port)
        {
            return [address]
        }
        // The system's resolver has no deadline, so the look-up goes on by itself; an attempt that comes while it does
        // waits for the same one. It cannot wake this loop: it is looked at every few milliseconds.
        let lookup = self.lookup ?? RedisLookup(location, pool)
        self.lookup = lookup
        while true {
            if let result = lookup.result {
                self.lookup = nil
                do throws(ResolveError) { return try result.get() } catch { throw unavailable("\(error)") }
            }
            guard loop.now < deadline else { throw unavailable("\(location.host) was not looked up in time") }
            _ = await waiter.wait(until: min(deadline, loop.now.adding(milliseconds: 2)))
        }
    }

    /// Says who we are and which database, and asks for a sign of life: a kernel takes connections for a Redis that
    /// hangs, and a Redis that loads its data answers, but not to us.
    private func introduce(_ waiter: Waiter, until deadline: UInt64) async throws(StoreError) {
        var commands: [RedisCommand] = []
        if let password = location.password {
            commands.append(RedisCommand("AUTH", location.user.map { [$0, password] } ?? [password]))
        }
        if location.database != 0 {
            commands.append(RedisCommand("SELECT", .decimal(Int64(location.database))))
        }
        commands.append(RedisCommand("PING"))
        let exchange = RedisExchange(waiter: waiter, expected: commands.count)
        try append(commands)
        enqueue(exchange)
        flush()
        try await wait(for: exchange, until: deadline, milliseconds: timeouts.connect)
        for (command, reply) in zip(commands, exchange.replies) {
            if case .error(let text) = reply { throw RedisError(text).storeError(location, command) }
            guard case .status = reply else { throw unexpected(command, reply) }
        }
        // Whatever else listens there must not be taken for a Redis that has no sessions.
        guard exchange.replies.last == .status(Array("PONG".utf8)) else { throw unavailable("it is not a Redis") }
    }

    // MARK: Failing

    private func unavailable(_ problem: String) -> StoreError { .unavailable("\(location): \(problem)") }

    /// Closes the connection and fails all that is in flight.
    private func fail(_ problem: String) {
        guard socket != nil || !inFlight.isEmpty else { return }
        fail(unavailable(problem))
    }

    private func fail(_ error: StoreError) {
        let wasOpen = phase == .open
        // Idle and closed by the server is no failure: the next command connects again, and others wait for it.
        let wasIdle = inFlight.isEmpty
        close(error)
        guard wasOpen else { return }
        if wasIdle {
            failure = nil
        } else if loop.now >= openedAt.adding(milliseconds: Self.longestPause) {
            // It has served: whatever ended it, a look at once finds out whether it is back.
            failure = error
            failedAttempts = 0
            nextAttempt = loop.now
        } else {
            postpone(error)
        }
    }

    private func close(_ error: StoreError) {
        socket?.waiter = nil
        socket?.close()
        socket = nil
        reader = nil
        phase = .closed
        input.removeAll()
        output.removeAll()
        let failed = inFlight
        inFlight = RedisQueue()
        failed.forEach { $0.finish(error) }
    }

    private func postpone(_ error: StoreError) {
        failure = error
        let pause = min(Self.longestPause, Self.firstPause << Int64(min(failedAttempts, 10)))
        failedAttempts += 1
        nextAttempt = loop.now.adding(milliseconds: .random(in: pause / 2...pause))
    }

    /// What an error reply means for the caller, and for the connection: a server that says that it cannot serve is
    /// left, so that the next connection may find the one that has taken its place.
    func refused(_ command: RedisCommand, _ text: [UInt8]) -> StoreError {
        let error = RedisError(text)
        let storeError = error.storeError(location, command)
        if error.isServerUnfit && phase == .open { fail(storeError) }
        return storeError
    }
}
