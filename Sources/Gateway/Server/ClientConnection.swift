import Access
import Loop
import Wire

/// One client's connection: its requests one after another, until either side has had enough.
final class ClientConnection {
    private let exchange: Exchange
    private let station: Station
    private let client: Transport
    private let waiter: Waiter
    private let context: WorkerContext
    private var served = 0
    /// The number of the duty whose limits and time-outs the connection goes by.
    private var adopted: UInt64
    /// The same of the parser, which changes between two heads.
    private var parsing: UInt64
    /// Waits for a request and has seen nothing of it: may be closed at any moment without loss.
    private var isIdle = false

    /// After this long without a request the memory of the last one's head is given back.
    private static let headLinger: Int64 = 2_000
    /// How long, and how many octets, a client may still send to a connection that is being closed: a close with unread
    /// octets would reset the connection and could take the last answer with it (RFC 9112 9.6).
    private static let lingerTime: Int64 = 2_000
    private static let lingerOctets = 1 << 20

    init(exchange: Exchange, station: Station) {
        self.exchange = exchange
        self.station = station
        adopted = station.duty.number
        parsing = adopted
        client = exchange.client
        waiter = exchange.waiter
        context = exchange.context
        exchange.client.socket.waiter = exchange.waiter
    }

    /// Serves until the connection has ended.
    func run() async {
        var parser = RequestParser(limits: exchange.limits.head)
        while await readHead(&parser) {
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
            if !exchange.keepsAlive || exchange.isBroken { break }
            // A client that pipelines without end gets one exchange a turn, like everybody else.
            if !client.input.isEmpty { await waiter.yield() }
        }
        if exchange.isBroken {
            client.socket.abortOnClose()
        } else if served > 0 {
            await linger()
        }
        client.socket.close()
    }

    /// The listener goes: a wait for the next request ends sooner than it was to.
    func drain() {
        if isIdle { waiter.wake() }
    }

    /// The time given for stopping is over.
    func abort() {
        client.socket.close()
        waiter.wake()
    }

    // MARK: The head

    private func readHead(_ parser: inout RequestParser) async -> Bool {
        var beganAt: UInt64?
        while true {
            if !client.input.isEmpty {
                if beganAt == nil {
                    beganAt = context.loop.now
                    adopt(station.duty)
                    if adopted != parsing {
                        parsing = adopted
                        parser = RequestParser(limits: exchange.limits.head)
                    }
                }
                do {
                    if try parser.parse(client.input, into: exchange.head) { return true }
                } catch {
                    await refuseHead(Problem(malformed: error))
                    return false
                }
            }
            switch client.read() {
            case .octets: continue
            case .ended, .failed: return false
            case .wouldBlock:
                if let beganAt {
                    let deadline = beganAt.adding(milliseconds: exchange.timeouts.head)
                    if await !waiter.wait(until: deadline), context.loop.now >= deadline {
                        await refuseHead(.headTooSlow, timeout: .head)
                        return false
                    }
                } else if await !waitForRequest() {
                    return false
                }
            }
        }
    }

    /// Waits for the first octet of a request. False: none came in time, or the listener goes and has waited long enough.
    private func waitForRequest() async -> Bool {
        isIdle = true
        defer { isIdle = false }
        client.releaseBuffers()
        let end = context.loop.now.adding(milliseconds: exchange.timeouts.idle)
        let release = context.loop.now.adding(milliseconds: ClientConnection.headLinger)
        var holdsHead = true
        while true {
            let limit = min(end, exchange.drain.idleUntil)
            let isInTime = await waiter.wait(until: holdsHead ? min(limit, release) : limit)
            if client.socket.mayRead { return true }
            if isInTime { continue }
            if context.loop.now >= limit { return false }
            exchange.head.forget()
            holdsHead = false
        }
    }

    /// Goes by the limits and time-outs of `duty` from now on: between two exchanges only.
    private func adopt(_ duty: Duty) {
        guard duty.number != adopted else { return }
        adopted = duty.number
        exchange.adopt(duty.service.limits, duty.service.timeouts)
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

    private func linger() async {
        client.socket.shutdownSending()
        let deadline = context.loop.now.adding(milliseconds: ClientConnection.lingerTime)
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
