import Access
import Loop
import Wire

/// One request to an upstream and its response back, over one connection: both contents move at once, each at the pace of
/// the side that takes it. Whatever moves on either side has it advance.
///
/// It holds where the exchange stands, and no object: each of these would be retained and let go with every use, some fifty times an
/// exchange, and five of those cost as much as a header field. Who takes part is handed down instead.
struct Relay {
    enum Outcome {
        /// The whole response has been written.
        case done(isReusable: Bool)
        /// Nothing came back on a connection that had been used before: the request may be sent again.
        case closedBeforeUse
        /// Nothing has been answered yet: this is to be told.
        case failed(RelayFault)
        /// The response broke off, or there is nobody left to answer.
        case broken
    }

    /// Milliseconds for the response's head.
    private let headTimeout: Int64

    private var request: BodyPump
    private var response: BodyPump
    /// The response's final head has been read.
    private var hasHead = false
    /// The upstream takes no more of the request; what it has to say about that may still be read.
    private var isRequestAbandoned = false
    private var hasReceived = false
    private var informational = 0

    private var clientGives: Patience
    private var clientTakes: Patience
    private var upstreamTakes: Patience
    private var upstreamGives: Patience
    /// For the response's head, from when the whole request has been sent.
    private var headDeadline = UInt64.max
    /// Monotonic nanoseconds at which the request's way to the upstream began.
    private let startedAt: UInt64

    /// More interim responses than any real upstream sends before a final one.
    private static let maxInformational = 16

    init(_ exchange: Exchange, of group: UpstreamGroup, maxBody: UInt64) {
        headTimeout = group.configuration.headTimeout
        startedAt = exchange.loop.now
        request = BodyPump(unsafe exchange.content, framing: exchange.head.framing == .chunked ? .chunked : .plain, limit: maxBody)
        response = BodyPump(BodyDecoder(.none), framing: .plain)
        let timeouts = exchange.timeouts
        let bodyTimeout = group.configuration.bodyTimeout
        clientGives = Patience(milliseconds: timeouts.body, minimumRate: timeouts.minimumRate)
        clientTakes = Patience(milliseconds: timeouts.write, minimumRate: timeouts.minimumRate)
        upstreamTakes = Patience(milliseconds: bodyTimeout, minimumRate: 0)
        upstreamGives = Patience(milliseconds: bodyTimeout, minimumRate: 0)
    }

    /// What is to be done once nothing moves any more without waiting.
    enum Next {
        case ended(Outcome)
        /// The client waits to be asked for the content (RFC 9110 10.1.1), and the upstream for the content.
        case asksForContent
        /// Monotonic nanoseconds until which something has to move.
        case waits(until: UInt64)
        /// Both sides could go on, and others have waited long enough.
        case yields(until: UInt64)
    }

    /// Moves what can be moved now: of the request, whose head stands in the connection's output, and of the response.
    mutating func advance(_ exchange: Exchange, _ connection: UpstreamConnection, _ headers: HeaderPolicy) -> Next {
        let now = exchange.loop.now
        do throws(RelayFault) {
            try pushRequest(exchange, connection, headers)
            if exchange.owesContinue && !exchange.hasAnswered && !isRequestOver && !request.isPaused && request.blockedOn == .source {
                return .asksForContent
            }
            if !hasHead, try readHead(exchange, connection, headers) {
                exchange.upstreamTime = now &- startedAt
                connection.server.hasAnswered(in: exchange.upstreamTime)
                try pushRequest(exchange, connection, headers)
            }
            if try pushResponse(exchange, connection, headers) { return .ended(finish(exchange, connection)) }
        } catch {
            return .ended(giveUp(error, exchange, connection))
        }
        // A client that only ends its sending side may still wait for the response; one that has reset does not.
        if exchange.client.isGone { return .ended(giveUp(.clientGone, exchange, connection)) }
        // Judged after each move, whatever woke us: a peer that keeps the loop awake gets no more time than a silent one.
        let deadline = deadline(from: now)
        guard now < deadline else { return .ended(giveUp(timeOut(at: now), exchange, connection)) }
        return isPaused ? .yields(until: deadline) : .waits(until: deadline)
    }

    /// A side has had its share of the turn.
    private var isPaused: Bool { request.isPaused || response.isPaused }

    private func note(_ exchange: Exchange) {
        if exchange.head.framing != .none {
            unsafe exchange.content = request.decoder
            exchange.contentReceived = request.moved
        }
        exchange.contentSent = response.moved
    }

    // MARK: The request

    /// Nothing more of the request is to be sent.
    private var isRequestOver: Bool { request.isDone || isRequestAbandoned }

    private mutating func pushRequest(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ headers: HeaderPolicy
    ) throws(RelayFault) {
        guard !isRequestOver else { return }
        let before = request.moved
        do throws(PumpFault) {
            try request.step(from: exchange.client, to: connection.transport, headers)
        } catch {
            switch error {
            case .sinkGone: isRequestAbandoned = true
            case .sourceGone: throw .clientGone
            case .malformed(let error): throw .clientMalformed(error)
            case .tooLarge: throw .tooLarge
            }
        }
        let moved = Int(truncatingIfNeeded: request.moved &- before)
        let now = exchange.loop.now
        clientGives.credit(moved, at: now)
        upstreamTakes.credit(moved, at: now)
        if request.isDone { headDeadline = now.adding(milliseconds: headTimeout) }
    }

    // MARK: The response's head

    /// True: the final head has been written into the client's output.
    private mutating func readHead(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ headers: HeaderPolicy
    ) throws(RelayFault) -> Bool {
        let server = connection.transport
        while true {
            if !server.input.isEmpty {
                hasReceived = true
                let isComplete: Bool
                do { isComplete = try connection.parseHead(answering: exchange.head.method) } catch {
                    throw .upstreamMalformed(error)
                }
                if isComplete {
                    if try takeHead(exchange, connection, headers) { return true }
                    continue
                }
            }
            switch server.read() {
            case .octets: continue
            case .wouldBlock: return false
            case .ended, .failed: throw hasReceived ? .upstreamBrokeOff : .upstreamClosed
            }
        }
    }

    /// False: an interim response (RFC 9110 15.2), after which another head follows.
    private mutating func takeHead(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ headers: HeaderPolicy
    ) throws(RelayFault) -> Bool {
        let head = connection.head
        if head.status < 200 {
            informational += 1
            // Rule 19: nothing was to be upgraded, so 101 is an answer to nothing.
            guard head.status != 101, informational <= Relay.maxInformational else { throw .upstreamOutOfTurn }
            // 100 answers what we did not ask: the client has been asked for its content by ourselves.
            if head.status != 100 && exchange.head.version == .http11 {
                headers.writeResponse(head, to: exchange, framing: .none, closes: false, out: exchange.client.output)
                // It leaves at once if it can; what stays goes with the final head.
                _ = exchange.client.flush()
            }
            return false
        }
        let framing = clientFraming(of: head, exchange)
        if framing == .untilClose || exchange.drain.isUnderWay { exchange.keepsAlive = false }
        leaveRestOfRequest(exchange)
        headers.writeResponse(head, to: exchange, framing: framing, closes: !exchange.keepsAlive, out: exchange.client.output)
        exchange.hasAnswered = true
        exchange.status = head.status
        exchange.isUpstreams = true
        response = BodyPump(
            BodyDecoder(head.framing, limits: exchange.limits.body), framing: framing == .chunked ? .chunked : .plain)
        hasHead = true
        return true
    }

    private func clientFraming(of head: ResponseHead, _ exchange: Exchange) -> BodyFraming {
        switch head.framing {
        case .none, .length: head.framing
        // RFC 9112 6.1: no chunks for HTTP/1.0. For 1.1 an end by closing becomes one that can be told from a failure.
        case .chunked, .untilClose: exchange.head.version == .http10 ? .untilClose : .chunked
        }
    }

    // MARK: The response's content

    /// True: the whole response has been written.
    private mutating func pushResponse(
        _ exchange: Exchange, _ connection: UpstreamConnection, _ headers: HeaderPolicy
    ) throws(RelayFault) -> Bool {
        guard hasHead else { return false }
        let before = response.moved
        do throws(PumpFault) {
            try response.step(from: connection.transport, to: exchange.client, headers)
        } catch {
            switch error {
            case .sinkGone: throw .clientGone
            case .sourceGone: throw .upstreamBrokeOff
            case .malformed(let error): throw .upstreamMalformed(error)
            case .tooLarge: throw .tooLarge
            }
        }
        let moved = Int(truncatingIfNeeded: response.moved &- before)
        let now = exchange.loop.now
        clientTakes.credit(moved, at: now)
        upstreamGives.credit(moved, at: now)
        return response.isDone
    }

    /// Whatever of the request the upstream did not want is not worth reading from the client either, unless it is little.
    private func leaveRestOfRequest(_ exchange: Exchange) {
        if request.isDone { return }
        unsafe exchange.content = request.decoder
        if !exchange.isContentDrainable { exchange.keepsAlive = false }
    }

    private func finish(_ exchange: Exchange, _ connection: UpstreamConnection) -> Outcome {
        let isReusable = request.isDone && connection.head.keepAlive
        leaveRestOfRequest(exchange)
        note(exchange)
        return .done(isReusable: isReusable)
    }

    // MARK: Waiting

    /// Until when whoever has to move next is waited for.
    private mutating func deadline(from now: UInt64) -> UInt64 {
        var deadline = UInt64.max
        if request.isPaused {
            clientGives.pause(at: now)
            upstreamTakes.pause(at: now)
        } else if !isRequestOver {
            if request.blockedOn == .source {
                upstreamTakes.pause(at: now)
                deadline = min(deadline, clientGives.wait(from: now))
            } else {
                clientGives.pause(at: now)
                deadline = min(deadline, upstreamTakes.wait(from: now))
            }
        } else if !hasHead {
            if headDeadline == .max { headDeadline = now.adding(milliseconds: headTimeout) }
            deadline = min(deadline, headDeadline)
        }
        if response.isPaused {
            upstreamGives.pause(at: now)
            clientTakes.pause(at: now)
        } else if hasHead {
            if response.blockedOn == .source {
                clientTakes.pause(at: now)
                deadline = min(deadline, upstreamGives.wait(from: now))
            } else {
                upstreamGives.pause(at: now)
                deadline = min(deadline, clientTakes.wait(from: now))
            }
        }
        return deadline
    }

    private func timeOut(at now: UInt64) -> RelayFault {
        if clientGives.isExhausted(at: now) { return .clientTooSlow }
        if clientTakes.isExhausted(at: now) { return .clientTakesTooLong }
        return .upstreamTooSlow
    }

    // MARK: Giving up

    private func giveUp(_ fault: RelayFault, _ exchange: Exchange, _ connection: UpstreamConnection) -> Outcome {
        note(exchange)
        if case .upstreamClosed = fault, connection.isReused, canRepeat(exchange) { return .closedBeforeUse }
        if let fault = fault.upstreamFault { connection.server.counts.count(fault) }
        if let timeout = fault.clientTimeout { exchange.timeout = timeout }
        // An upstream that has got part of a request must not take it for a whole one.
        if !request.isDone { connection.transport.socket.abortOnClose() }
        if exchange.hasAnswered || fault.leavesNobody {
            exchange.breakOff(fault.note)
            return .broken
        }
        exchange.client.output.removeAll()
        return .failed(fault)
    }

    /// RFC 9110 9.2.2: sent again by itself only what may be, and only what is still at hand.
    private func canRepeat(_ exchange: Exchange) -> Bool {
        exchange.head.method.isIdempotent && exchange.head.framing == .none && !hasReceived
    }
}
