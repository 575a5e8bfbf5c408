import Access
import Loop
import Wire

/// One client's connection: its requests one after another, until either side has had enough.
final class ClientConnection: Sleeper {
    private let exchange: Exchange
    private let station: Station
    /// Among whose connections this one is.
    private let count: ConnectionCount
    private let client: Transport
    private let socket: Socket
    private let waiter: Waiter
    private let loop: EventLoop
    private let porters: Porters
    private var served = 0
    /// The number of the duty whose limits and time-outs the connection goes by.
    private var adopted: UInt64
    /// Waits for a request and has seen nothing of it: may be closed at any moment without loss.
    private var isIdle = false
    /// Milliseconds for which an idle connection is kept.
    private var idleTime: Int64
    /// Monotonic nanoseconds until which that is, and the last head is kept.
    private var idleUntil: UInt64 = 0
    private var headUntil: UInt64 = 0

    /// Nanoseconds without a request after which the memory of the last one's head is given back.
    private static let headLinger: UInt64 = 2_000_000_000
    /// How long, and how many octets, a client may still send to a connection that is being closed: a close with unread
    /// octets would reset the connection and could take the last answer with it (RFC 9112 9.6).
    private static let lingerTime: Int64 = 2_000
    private static let lingerOctets = 1 << 20

    init(exchange: Exchange, station: Station, countedBy count: ConnectionCount) {
        self.exchange = exchange
        self.station = station
        self.count = count
        adopted = station.duty.number
        client = exchange.client
        socket = client.socket
        waiter = exchange.waiter
        loop = exchange.context.loop
        porters = exchange.context.porters
        idleTime = exchange.timeouts.idle
        socket.waiter = waiter
    }

    deinit { waiter.leave() }

    // MARK: Between requests

    /// Holds the socket and little else until the first octet of a request; then a porter is called. False: something may have
    /// come already.
    func rest() -> Bool {
        if !isIdle {
            isIdle = true
            client.releaseBuffers()
            let now = loop.now
            idleUntil = now.adding(milliseconds: idleTime)
            headUntil = now &+ ClientConnection.headLinger
        }
        guard waiter.rest(self, until: min(restUntil, headUntil)) else {
            isIdle = false
            return false
        }
        return true
    }

    /// When the wait is over. A listener that goes does not wait for as long.
    private var restUntil: UInt64 { min(idleUntil, exchange.drain.idleUntil) }

    package func roused() {
        let now = loop.now
        if socket.mayRead || !socket.isOpen || now >= restUntil {
            isIdle = false
            return porters.call(self)
        }
        if now >= headUntil {
            exchange.head.forget()
            client.expectLittle()
            headUntil = .max
        }
        _ = rest()
    }

    /// The listener goes: a wait for the next request ends sooner than it was to.
    func drain() {
        if isIdle { _ = rest() }
    }

    /// The time given for stopping is over.
    func abort() {
        socket.close()
        waiter.wake()
    }

    // MARK: Serving

    /// Serves what the client has to say. True: it has fallen silent, and rests; false: the connection has ended.
    func serve(_ heads: inout HeadReader) async -> Bool {
        // Roused, but not by the client.
        guard socket.mayRead else { return await end() }
        while true {
            switch await readHead(&heads) {
            case .ended: return await end()
            case .none: break
            case .complete:
                // The exchange ends under the duty that it begins with, and no other exchange does.
                let duty = station.duty
                begin(under: duty, keepsAlive: exchange.head.keepAlive)
                await duty.handler.handle(exchange)
                // No path leaves an exchange without an answer; should one ever, the client is told.
                if !exchange.hasAnswered && !exchange.isBroken {
                    await exchange.answer(Problem(500, "The gateway has no answer.").answer(for: exchange))
                }
                if !exchange.content.isAtEnd { await exchange.drainContent() }
                duty.handler.record(exchange)
                duty.exchanges -= 1
                if !exchange.keepsAlive || exchange.isBroken { return await end(asAnnounced: isLastAnnounced) }
                // A client that pipelines without end gets one exchange a turn, like everybody else.
                if !client.input.isEmpty { await waiter.yield() }
            }
            if client.input.isEmpty && !socket.mayRead && rest() { return true }
        }
    }

    // MARK: The head

    private enum HeadResult {
        /// Nothing of a request has come.
        case none
        case complete, ended
    }

    private func readHead(_ heads: inout HeadReader) async -> HeadResult {
        var beganAt: UInt64?
        while true {
            if !client.input.isEmpty {
                if beganAt == nil {
                    beganAt = loop.now
                    adopt(station.duty)
                    if heads.duty != adopted { heads.adopt(exchange.limits.head, of: adopted) }
                }
                do {
                    if try heads.parser.parse(client.input, into: exchange.head) { return .complete }
                } catch {
                    await refuseHead(Problem(malformed: error))
                    return .ended
                }
            }
            switch client.read() {
            case .octets: continue
            case .ended, .failed: return .ended
            case .wouldBlock:
                guard let beganAt else { return .none }
                let deadline = beganAt.adding(milliseconds: exchange.timeouts.head)
                if await !waiter.wait(until: deadline), loop.now >= deadline {
                    await refuseHead(.headTooSlow, timeout: .head)
                    return .ended
                }
            }
        }
    }

    /// Goes by the limits and time-outs of `duty` from now on: between two exchanges only.
    private func adopt(_ duty: Duty) {
        guard duty.number != adopted else { return }
        adopted = duty.number
        exchange.adopt(duty.service.limits, duty.service.timeouts)
        idleTime = exchange.timeouts.idle
    }

    private func begin(under duty: Duty, keepsAlive: Bool) {
        adopt(duty)
        duty.exchanges += 1
        served += 1
        exchange.begin(
            keepsAlive: keepsAlive && !exchange.drain.isUnderWay && served < exchange.limits.requestsPerConnection)
    }

    /// Answers a request whose head never became one, and records it.
    private func refuseHead(_ problem: Problem, timeout: ClientTimeout? = nil) async {
        // What the head holds is of no use: a request before this one, or half of this one.
        exchange.head.forget()
        let duty = station.duty
        begin(under: duty, keepsAlive: false)
        exchange.timeout = timeout
        await exchange.answer(problem.answer(for: exchange))
        duty.handler.record(exchange)
        duty.exchanges -= 1
    }

    // MARK: The end

    /// The client has named `close` itself, and nothing of what it sent is unread: when it keeps its word, no reset can take the answer
    /// away. Behind content, old clients have sent a stray CRLF (RFC 9112 2.2).
    private var isLastAnnounced: Bool {
        let head = exchange.head
        return head.version == .http11 && !head.keepAlive && head.framing == .none && client.input.isEmpty && !socket.mayRead
    }

    /// - Parameter asAnnounced: nothing more comes from the client, so it is not waited for.
    /// - Returns: false, for `serve`.
    private func end(asAnnounced: Bool = false) async -> Bool {
        if exchange.isBroken {
            socket.abortOnClose()
        } else if served > 0 && !asAnnounced {
            await linger()
        }
        socket.close()
        station.leave(self)
        count.leave(exchange.peerIP)
        return false
    }

    private func linger() async {
        socket.shutdownSending()
        let deadline = loop.now.adding(milliseconds: ClientConnection.lingerTime)
        var octets = 0
        while octets < ClientConnection.lingerOctets {
            client.input.removeAll()
            switch client.read() {
            case .octets(let count): octets += count
            case .ended, .failed: return
            case .wouldBlock: if await !waiter.wait(until: deadline) { return }
            }
        }
    }
}
