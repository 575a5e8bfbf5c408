import CShims
import Glibc
package import Wire

/// What one try at a socket came to.
package enum IOResult: Equatable {
    case octets(Int)
    /// Nothing can be moved now; the socket's waiter is woken when that changes.
    case wouldBlock
    /// The peer has ended its side: no more octets will come.
    case ended
    /// The connection is broken; the operating system's error number.
    case failed(Int32)
}

/// A connected stream socket that never blocks.
///
/// The poller is edge-triggered, and the socket remembers what it said: a call is made only when it may succeed, and
/// a short read or write says that there is no more for now, so a message costs one call and no EAGAIN.
///
/// Belongs to its loop's thread. Closed at the latest when it goes.
@safe
package final class Socket {
    package let loop: EventLoop
    /// Kept private, and shown read-only below: what another target can name costs an exclusivity check at each access.
    private var state: State
    private var token: UInt64 = 0

    private var owner: Waiter?
    /// The same, for the events, each of which would retain it.
    private var woken: Unmanaged<Waiter>?

    /// Whom to wake when something can be done.
    package var waiter: Waiter? {
        get { owner }
        set {
            owner = newValue
            unsafe woken = newValue.map { unsafe Unmanaged.passUnretained($0) }
        }
    }

    private struct State {
        var descriptor: Int32
        var mayRead = false
        var mayWrite: Bool
        var isPeerClosed = false
        var isBroken = false
    }

    package var descriptor: Int32 { state.descriptor }
    /// A read may find something: octets, the end, or an error.
    package var mayRead: Bool { state.mayRead }
    package var mayWrite: Bool { state.mayWrite }
    /// The peer has closed at least its sending side. What it sent before may still wait to be read.
    package var isPeerClosed: Bool { state.isPeerClosed }
    /// The connection is gone in both directions: nobody is left to write to.
    package var isBroken: Bool { state.isBroken }

    /// Takes over `descriptor`, which must be non-blocking, also when it throws.
    package init(adopting descriptor: Int32, loop: EventLoop, isConnected: Bool = true) throws(SystemError) {
        self.loop = loop
        state = State(descriptor: descriptor, mayWrite: isConnected)
        do {
            token = try loop.register(self)
        } catch {
            Glibc.close(descriptor)
            state.descriptor = -1
            throw error
        }
    }

    deinit { close() }

    package var isOpen: Bool { descriptor >= 0 }

    package func close() {
        guard descriptor >= 0 else { return }
        loop.registry.remove(token)
        Glibc.close(descriptor)
        state.descriptor = -1
        state.mayRead = false
        state.mayWrite = false
    }

    /// Ends our sending side; the peer sees the end of the stream (shutdown(2)).
    package func shutdownSending() {
        if isOpen { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Makes the coming `close` abort the connection (RST), so that a peer cannot take a cut-off message for a whole one.
    package func abortOnClose() {
        guard isOpen else { return }
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// The caller has seen that nothing waits to be read (a listener's accept(2) said EAGAIN).
    func markDrained() { state.mayRead = false }

    func deliver(_ event: Poller.Event) {
        if event.isReadable { state.mayRead = true }
        if event.isWritable { state.mayWrite = true }
        if event.isPeerClosed { state.isPeerClosed = true }
        if event.isBroken { state.isBroken = true }
        // A wake lets nobody go.
        unsafe woken?._withUnsafeGuaranteedRef { $0.wake() }
    }

    /// Reads once, at most what fits into `room` octets or the buffer's free space, whichever is more.
    package func read(into buffer: Buffer, room: Int) -> IOResult {
        guard mayRead else { return isOpen ? .wouldBlock : .ended }
        var offered = 0
        var received = 0
        _ = unsafe buffer.withWritable(room) { space in
            offered = space.count
            repeat {
                received = unsafe gh_receive(descriptor, space.baseAddress, space.count)
            } while received < 0 && errno == EINTR
            return max(received, 0)
        }
        if received > 0 {
            // With the peer's end seen, what follows the octets is that end: no event will announce it again.
            if received < offered && !isPeerClosed { state.mayRead = false }
            return .octets(received)
        }
        if received == 0 { return .ended }
        if errno == EAGAIN {
            state.mayRead = false
            return .wouldBlock
        }
        return .failed(errno)
    }

    /// Writes once: all of `first`, then the first `count` octets of `second`, in one system call.
    /// The octets stay in their buffers; `.octets` says how many of the two together were taken.
    package func write(_ first: Buffer, then second: Buffer? = nil, count: Int = 0) -> IOResult {
        guard mayWrite else { return isOpen ? .wouldBlock : .failed(EPIPE) }
        let offered = first.count + count
        var sent = 0
        repeat {
            sent = count > 0 ? sendBoth(first, second, count) : sendOne(first)
        } while sent < 0 && errno == EINTR
        if sent >= 0 {
            if sent < offered { state.mayWrite = false }
            return .octets(sent)
        }
        if errno == EAGAIN {
            state.mayWrite = false
            return .wouldBlock
        }
        return .failed(errno)
    }

    /// Sends what `octets` holds to a fresh connection, as far as it takes it at once, and closes it.
    package static func sendAndClose(_ descriptor: Int32, _ octets: Buffer) {
        _ = unsafe octets.withReadable { unsafe gh_send(descriptor, $0.baseAddress, $0.count) }
        Glibc.close(descriptor)
    }

    private func sendOne(_ buffer: Buffer) -> Int {
        unsafe buffer.withReadable { unsafe gh_send(descriptor, $0.baseAddress, $0.count) }
    }

    private func sendBoth(_ first: Buffer, _ second: Buffer?, _ count: Int) -> Int {
        guard let second else { return sendOne(first) }
        return unsafe first.withReadable { head in
            unsafe second.withReadable { body in
                precondition(count <= body.count)
                return unsafe gh_send_two(descriptor, head.baseAddress, head.count, body.baseAddress, count)
            }
        }
    }
}
