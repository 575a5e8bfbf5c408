import Loop
import Wire

/// A connection to one server of an upstream, used by one exchange at a time.
final class UpstreamConnection {
    let transport: Transport
    let server: UpstreamServer
    let head = ResponseHead()
    private let input: Buffer
    private let socket: Socket
    // Unchecked, both: one worker's thread only, and nothing that is called while they change comes back here.
    @exclusivity(unchecked) private var parser: ResponseParser
    @exclusivity(unchecked) private var parked: (isReused: Bool, since: UInt64) = (false, 0)

    init(socket: Socket, server: UpstreamServer, limits: HeadLimits, pool: BufferPool) {
        transport = Transport(socket: socket, pool: pool)
        input = transport.input
        self.socket = socket
        self.server = server
        unsafe parser = ResponseParser(limits: limits)
    }

    /// Takes the next response head out of what has been read; false: more has to be read.
    func parseHead(answering method: Method) throws(WireError) -> Bool {
        unsafe try parser.parse(input, answering: method, into: head)
    }

    func park(at now: UInt64) {
        unsafe parked = (isReused: true, since: now)
        socket.waiter = nil
        transport.releaseLargeInput()
    }

    /// Has carried an exchange before: its server may have closed it just as we write.
    var isReused: Bool { unsafe parked.isReused }
    /// Monotonic nanoseconds since which it has been unused.
    var idleSince: UInt64 { unsafe parked.since }

    /// It has not been used for a while: its memory is of more use elsewhere.
    func releaseBuffers() { transport.releaseBuffers() }

    /// Nothing has come since it was parked, with nothing left over: neither an end nor octets that nobody asked for.
    var isQuiet: Bool { !socket.mayRead }

    /// Nothing is left over: octets behind a complete response belong to nobody (rule 12), and the end of a connection
    /// that was announced has come.
    var isQuietAfterUse: Bool { transport.isSettled }

    /// What moves on the connection wakes `waiter`.
    func serve(_ waiter: Waiter) { socket.waiter = waiter }

    func close() { socket.close() }
}
