import Access
package import Loop
package import Wire

/// One request and its response, from the complete head to the record in the log. A connection uses one object for all
/// of its exchanges.
package final class Exchange {
    package let client: Transport
    package let waiter: Waiter
    package let context: WorkerContext
    let loop: EventLoop
    package let head = RequestHead()
    /// The other end of the connection, as the kernel says.
    package let peer: SocketAddress
    /// Its address, which several steps of each exchange ask for.
    let peerIP: IPAddress
    /// Whether the listener that the client came by goes.
    let drain: Drain
    /// Kept private, and shown read-only: what another target can name costs an exclusivity check at each access.
    private var bounds: (limits: ServerLimits, timeouts: ServerTimeouts)
    package var limits: ServerLimits { bounds.limits }
    package var timeouts: ServerTimeouts { bounds.timeouts }

    /// The request's content. Whoever reads it takes it out of `client.input` through this.
    // Unchecked, as `forwarding`.
    @exclusivity(unchecked) var content = BodyDecoder(.none)
    var id = RequestID(high: 0, low: 0)
    /// Monotonic nanoseconds at which the head was complete.
    var startedAt: UInt64 = 0
    /// Whether the connection may serve another request after this one.
    var keepsAlive = false
    /// Whether `100 Continue` is still owed to the client (RFC 9110 10.1.1).
    var owesContinue = false
    /// A response head has been written: nothing else can be said any more.
    var hasAnswered = false
    /// The response broke off in the middle: the connection has to die visibly.
    var isBroken = false

    /// A task has seen to it.
    var isAttended = false
    /// How far the gateway has come with it.
    var step = Step.judge
    /// The request on its way to an upstream.
    // Unchecked: one worker's thread only, and nothing that is called while it changes comes back here.
    @exclusivity(unchecked) var forwarding: Forwarding?

    // For the record.
    /// 0: the client got no answer.
    var status = 0
    var contentReceived: UInt64 = 0
    var contentSent: UInt64 = 0
    var route: Int?
    /// Nil: not looked at yet; see `cookies(_:)`.
    private var survey: Cookies.Survey?
    /// Somebody tries to sign in.
    var isSignIn = false
    var identity: Identity?
    /// The address of who asks: the peer, or what a trusted proxy said.
    var clientAddress: IPAddress
    /// The upstream's server that was asked; nil: none was.
    var upstream: UpstreamServer?
    /// Monotonic nanoseconds between the request's way to the upstream and the first octet of its response.
    var upstreamTime: UInt64 = 0
    /// The answer is the upstream's.
    var isUpstreams = false
    /// What the client was too slow with.
    var timeout: ClientTimeout?
    /// What went wrong, in words for the log only.
    var note: String?

    init(
        client: Transport, waiter: Waiter, context: WorkerContext, peer: SocketAddress, drain: Drain = Drain(),
        limits: ServerLimits, timeouts: ServerTimeouts
    ) {
        self.client = client
        self.waiter = waiter
        self.context = context
        loop = context.loop
        self.peer = peer
        peerIP = peer.ip
        self.drain = drain
        bounds = (limits, timeouts)
        clientAddress = peerIP
    }

    /// New settings hold from now on; between two exchanges only.
    func adopt(_ limits: ServerLimits, _ timeouts: ServerTimeouts) {
        bounds = (limits, timeouts)
    }

    /// The head is complete.
    /// - Parameter mayKeepAlive: another request may follow, as far as the gateway is concerned.
    func begin(mayKeepAlive: Bool) {
        id = context.nextRequestID()
        startedAt = loop.now
        unsafe content = BodyDecoder(head.framing, limits: limits.body)
        owesContinue = head.expectsContinue
        keepsAlive = mayKeepAlive && head.keepAlive && !drain.isUnderWay
        hasAnswered = false
        isBroken = false
        isAttended = false
        step = .judge
        status = 0
        contentReceived = 0
        contentSent = 0
        route = nil
        survey = nil
        isSignIn = false
        identity = nil
        clientAddress = peerIP
        upstream = nil
        upstreamTime = 0
        isUpstreams = false
        timeout = nil
        note = nil
    }

    /// Which of the gateway's own cookies the request shows, and whether it has others; looked for once.
    func cookies(_ configuration: borrowing GatewayConfiguration) -> Cookies.Survey {
        if let survey { return survey }
        let found = Cookies.survey(head, session: configuration.sessionCookie, token: configuration.tokenCookie)
        survey = found
        return found
    }

    // MARK: Answering

    /// Unread content up to this size is read and dropped to keep the connection; more is cheaper to cut off.
    private static let drainable: UInt64 = 65_536

    /// Writes a whole response of the gateway's own. Only the first answer of an exchange counts.
    package func answer(_ answer: Answer) async {
        put(answer)
        await flush()
    }

    /// The same, for whoever cannot wait until the client has taken it.
    func put(_ answer: Answer) {
        guard !hasAnswered else { return }
        if answer.closes || !isContentDrainable || drain.isUnderWay { keepsAlive = false }
        if let note = answer.note { self.note = note }
        begin(answer)
        if head.method != .head {
            client.output.append(answer.body)
            contentSent = UInt64(answer.body.count)
        }
    }

    private func begin(_ answer: Answer) {
        let out = client.output
        hasAnswered = true
        status = answer.status
        appendStatusLine(answer.status)
        out.append("Date: ")
        HTTPDate.append(unixSeconds: loop.wallClock / 1000, to: out)
        out.append("\r\nCache-Control: no-store\r\nX-Request-Id: ")
        id.append(to: out)
        out.append("\r\n")
        if let type = answer.contentType {
            out.append("Content-Type: ")
            out.append(type)
            out.append("\r\nX-Content-Type-Options: nosniff\r\n")
        }
        for field in answer.fields {
            out.append(field.name)
            out.append(": ")
            out.append(field.value)
            out.append("\r\n")
        }
        if answer.status != 204 && answer.status != 304 {
            out.append("Content-Length: ")
            out.append(decimal: UInt64(answer.body.count))
            out.append("\r\n")
        }
        if !keepsAlive { out.append("Connection: close\r\n") }
        out.append("\r\n")
    }

    private func appendStatusLine(_ status: Int) {
        let out = client.output
        out.append("HTTP/1.1 ")
        out.append(decimal: UInt64(status))
        out.append(0x20)
        out.append(StatusText.text(status))
        out.append("\r\n")
    }

    /// Writes all of the client's output, as fast as the client takes it.
    func flush() async {
        var patience = Patience(milliseconds: timeouts.write, minimumRate: timeouts.minimumRate)
        var left = client.output.count
        while !flushAtOnce() {
            patience.credit(left - client.output.count, at: loop.now)
            left = client.output.count
            guard await waiter.wait(until: patience.wait(from: loop.now)) || !patience.isExhausted(at: loop.now)
            else {
                timeout = .write
                return breakOff("the client took too long to take the response")
            }
        }
    }

    /// Writes of the client's output what it takes at once. False: it has to be waited for.
    func flushAtOnce() -> Bool {
        while !client.output.isEmpty {
            switch client.flush() {
            case .octets: continue
            case .wouldBlock: return false
            case .ended, .failed: breakOff("the client went away before it had the response")
            }
        }
        return true
    }

    /// The response cannot be completed: the connection ends such that the client cannot take it for complete.
    func breakOff(_ note: String) {
        self.note = note
        keepsAlive = false
        isBroken = true
        client.output.removeAll()
    }

    // MARK: The request's content

    /// Reads the whole content, for the gateway's own endpoints.
    /// - Throws: the status to answer: 413 over `limit` octets, 408 when it takes too long, 400 for bad framing.
    package func readContent(limit: Int) async throws(ContentError) -> [UInt8] {
        if case .length(let count) = head.framing, count > UInt64(limit) { throw .tooLarge }
        var collected: [UInt8] = []
        var patience = Patience(milliseconds: timeouts.body, minimumRate: timeouts.minimumRate)
        while let piece = try await nextContent(&patience) {
            guard collected.count + piece <= limit else { throw .tooLarge }
            collected += client.input.array(ByteRange(offset: 0, count: piece))
            take(piece)
        }
        return collected
    }

    /// The first `count` octets of the input, which are content, have been used.
    func take(_ count: Int) {
        client.input.consume(count)
        unsafe content.took(count)
        contentReceived &+= UInt64(count)
    }

    /// How many octets of content stand at the front of the input; nil at its end.
    private func nextContent(_ patience: inout Patience) async throws(ContentError) -> Int? {
        while true {
            switch try nextStep() {
            case .data(let count): return count
            case .end: return nil
            case .needMore: try await readMore(&patience)
            }
        }
    }

    private func nextStep() throws(ContentError) -> BodyDecoder.Step {
        do { return unsafe try content.next(client.input) } catch { throw .malformed(error) }
    }

    private func readMore(_ patience: inout Patience) async throws(ContentError) {
        putContinue()
        await flush()
        switch client.read() {
        case .octets(let count): patience.credit(count, at: loop.now)
        case .wouldBlock:
            guard await waiter.wait(until: patience.wait(from: loop.now)) || !patience.isExhausted(at: loop.now)
            else {
                timeout = .body
                throw .tooSlow
            }
        case .ended, .failed: throw .clientGone
        }
    }

    /// Asks a client that waits for it to send the content (RFC 9110 10.1.1): only once somebody wants it.
    func putContinue() {
        // Once the final response has begun, an interim one would stand in the middle of it.
        guard owesContinue && !hasAnswered else { return }
        owesContinue = false
        client.output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Whether what is left of the content can be read and dropped after the answer.
    var isContentDrainable: Bool {
        if unsafe content.isAtEnd { return true }
        if owesContinue { return false }
        guard case .length(let count) = head.framing else { return false }
        return count <= Exchange.drainable
    }

    /// Nothing of the content is left to be read, or it will not be.
    var isContentSettled: Bool { unsafe content.isAtEnd || !keepsAlive }

    /// Reads what is left of the content, so that the next request is found where it begins (rule 18).
    func drainContent() async {
        guard !isContentSettled else { return }
        var patience = Patience(milliseconds: timeouts.body, minimumRate: timeouts.minimumRate)
        do throws(ContentError) {
            while let piece = try await nextContent(&patience) { take(piece) }
        } catch {
            keepsAlive = false
        }
    }
}

/// Why a request's content could not be had.
package enum ContentError: Error, Equatable {
    case tooLarge, tooSlow, clientGone
    case malformed(WireError)
}
