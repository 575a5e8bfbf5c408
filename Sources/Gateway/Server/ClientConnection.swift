import Access
import Loop
import Wire

/// One client's connection: its requests one after another, until either side has had enough.
///
/// It goes on whenever the loop says that something has moved, as far as that goes, and holds no task meanwhile: a hundred requests that
/// wait for an upstream are a hundred objects. For what has to be waited for in the middle of a step a porter's task is called, and
/// goes again with the end of that step.
final class ClientConnection: Sleeper {
    /// What is to be done next.
    private enum Stage {
        /// Nothing of a request has been seen: the connection may be closed at any moment without loss.
        case idle
        /// A head is to be read, or the rest of it.
        case head
        /// The exchange is under way.
        case exchange
        /// It is over, but for octets that the client has still to take or to send.
        case rest
        /// There is no other request to come.
        case end
        case closed
    }

    private let exchange: Exchange
    private let station: Station
    /// Among whose connections this one is.
    private let count: ConnectionCount
    // Parts of the exchange, which would be retained for each use if they were asked for through it.
    private let client: Transport
    private let input: Buffer
    private let head: RequestHead
    private let socket: Socket
    private let waiter: Waiter
    private let loop: EventLoop
    private let context: WorkerContext
    private var stage = Stage.idle
    /// The one under which the exchange has begun, and ends; the connection goes by its limits and time-outs.
    private var duty: Duty
    /// The head is read by this one, since a part of it has not come yet; nil: by the worker's.
    private var heads: HeadReader?
    private var served = 0
    /// It has begun to wait for a request.
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
        duty = station.duty
        client = exchange.client
        input = client.input
        head = exchange.head
        socket = client.socket
        waiter = exchange.waiter
        context = exchange.context
        loop = context.loop
        idleTime = exchange.timeouts.idle
        socket.waiter = waiter
    }

    deinit { waiter.leave() }

    /// The client has connected.
    func begin() { goOn() }

    // MARK: By the loop

    package func roused() {
        if isIdle { leaveIdleness() }
        goOn()
    }

    private func goOn() {
        if proceed() { context.porters.call(self) }
    }

    /// Goes on as far as that goes without a task. True: what comes next needs one.
    private func proceed() -> Bool {
        while true {
            switch stage {
            case .idle:
                if rest() { return false }
                stage = .head
            case .head:
                guard readHead() else { return true }
            case .exchange:
                switch duty.handler.advance(exchange) {
                case .ended: stage = .rest
                case .waits(let deadline):
                    if waiter.rest(self, until: deadline) { return false }
                case .pauses(let deadline):
                    if waiter.rest(self, until: deadline) {
                        loop.wakeNextTurn(waiter)
                        return false
                    }
                case .needsTask: return true
                }
            case .rest:
                guard exchange.flushAtOnce(), exchange.isContentSettled else { return true }
                if !finish() { return false }
            case .end:
                if needsLinger { return true }
                close()
            case .closed: return false
            }
        }
    }

    /// The settings have changed: what waits for a request does not hold on to those of the last one.
    func follow() {
        if isIdle { followDuty() }
    }

    /// The drain has begun: a wait for the next request ends sooner than it was to.
    func drain() {
        if isIdle { _ = rest() }
    }

    /// The time given for stopping is over.
    func abort() {
        socket.close()
        waiter.wake()
    }

    // MARK: By a porter

    /// Waits for what `proceed` could not, until that can go on.
    func serve() async {
        repeat {
            switch stage {
            case .head: await completeHead()
            case .exchange:
                exchange.isAttended = true
                await duty.handler.handle(exchange)
            case .rest:
                await exchange.flush()
                await exchange.drainContent()
            case .end:
                await linger()
                close()
            case .idle, .closed: break
            }
        } while proceed()
    }

    // MARK: Between requests

    /// Holds the socket and little else until the first octet of a request. False: something may have come already.
    private func rest() -> Bool {
        guard client.isSilent else { return false }
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

    private func leaveIdleness() {
        if socket.mayRead {
            isIdle = false
            stage = .head
            return
        }
        let now = loop.now
        if !socket.isOpen || now >= restUntil {
            isIdle = false
            stage = .end
        } else if now >= headUntil {
            head.forget()
            client.expectLittle()
            headUntil = .max
        }
    }

    // MARK: The head

    /// False: a task is to wait for the rest of it.
    private func readHead() -> Bool {
        if input.isEmpty {
            switch client.read() {
            case .octets: break
            case .wouldBlock:
                stage = .idle
                return true
            case .ended, .failed:
                stage = .end
                return true
            }
        }
        followDuty()
        context.heads.adopt(exchange.limits.head, of: duty.number)
        return parse(by: context.heads)
    }

    /// True: the request's head is complete, or will never be, and `stage` says what comes next.
    private func parse(by heads: HeadReader) -> Bool {
        do throws(WireError) {
            guard try heads.parse(input, into: head) else {
                if self.heads == nil { self.heads = heads.handOver() }
                return false
            }
            begin(mayKeepAlive: true)
            stage = .exchange
        } catch {
            heads.handOver()
            refuseHead(Problem(malformed: error))
        }
        return true
    }

    /// Waits for the rest of a head that has begun to come.
    private func completeHead() async {
        guard let heads else { return }
        defer { self.heads = nil }
        let deadline = loop.now.adding(milliseconds: exchange.timeouts.head)
        while true {
            switch client.read() {
            case .octets: if parse(by: heads) { return }
            case .ended, .failed: return stage = .end
            case .wouldBlock:
                if await !waiter.wait(until: deadline), loop.now >= deadline { return refuseHead(.headTooSlow, timeout: .head) }
            }
        }
    }

    /// Goes by the duty of the moment from now on: between two exchanges only.
    private func followDuty() {
        if station.duty !== duty { adopt(station.duty) }
    }

    private func adopt(_ duty: Duty) {
        self.duty = duty
        exchange.adopt(duty.service.limits, duty.service.timeouts)
        idleTime = exchange.timeouts.idle
    }

    /// The exchange ends under the duty that it begins with, and no other exchange does.
    private func begin(mayKeepAlive: Bool) {
        followDuty()
        duty.exchanges += 1
        served += 1
        exchange.begin(mayKeepAlive: mayKeepAlive && served < exchange.limits.requestsPerConnection)
    }

    /// Answers a request whose head never became one.
    private func refuseHead(_ problem: Problem, timeout: ClientTimeout? = nil) {
        // What the head holds is of no use: a request before this one, or half of this one.
        head.forget()
        begin(mayKeepAlive: false)
        exchange.timeout = timeout
        exchange.put(problem.answer(for: exchange))
        stage = .rest
    }

    // MARK: The end

    /// Records the exchange. False: it is not yet the next one's turn.
    private func finish() -> Bool {
        // No path leaves an exchange without an answer; should one ever, the client is told.
        if !exchange.hasAnswered && !exchange.isBroken {
            exchange.put(Problem(500, "The gateway has no answer.").answer(for: exchange))
            return true
        }
        duty.handler.record(exchange)
        duty.exchanges -= 1
        guard exchange.keepsAlive && !exchange.isBroken else {
            stage = .end
            return true
        }
        if input.isEmpty {
            stage = .idle
            return true
        }
        stage = .head
        // A client that pipelines without end gets one exchange a turn, like everybody else.
        guard waiter.rest(self, until: .max) else { return true }
        loop.wakeNextTurn(waiter)
        return false
    }

    /// Whether the client may still send what a close would answer by a reset. Not after a break, which is to be seen, nor where it has
    /// named `close` itself and nothing of what it sent is unread: when it keeps its word, no reset can take the answer away. Behind
    /// content, old clients have sent a stray CRLF (RFC 9112 2.2).
    private var needsLinger: Bool {
        guard served > 0, !exchange.isBroken, socket.isOpen else { return false }
        // A head that has been forgotten, or never became one, has announced nothing.
        let isLastAnnounced = !head.bytes.isEmpty && head.version == .http11 && !head.keepAlive && head.framing == .none
        return !(isLastAnnounced && client.isSilent)
    }

    private func linger() async {
        socket.shutdownSending()
        let deadline = loop.now.adding(milliseconds: ClientConnection.lingerTime)
        var octets = 0
        while octets < ClientConnection.lingerOctets {
            input.removeAll()
            switch client.read() {
            case .octets(let count): octets += count
            case .ended, .failed: return
            case .wouldBlock: if await !waiter.wait(until: deadline) { return }
            }
        }
    }

    private func close() {
        if exchange.isBroken { socket.abortOnClose() }
        socket.close()
        stage = .closed
        station.leave(self)
        count.leave(exchange.peerIP)
    }
}
