import Glibc
import Synchronization
import Testing
import Wire

@testable import Loop

@Suite("Socket")
struct SocketTests {
    /// A connection over loopback: one end on the loop, the other a blocking socket.
    private static func connected(_ loop: EventLoop) async throws -> (Socket, Waiter, TestSocket) {
        let listener = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
        let peer = TestSocket(connectingTo: listener.address.port)
        let accepted = try #require(await listener.accept())
        let socket = try Socket(adopting: accepted.descriptor, loop: loop)
        let waiter = Waiter(loop: loop)
        socket.waiter = waiter
        return (socket, waiter, peer)
    }

    private static func until(_ waiter: Waiter, _ isTrue: () -> Bool) async {
        while !isTrue() { guard await waiter.wait(until: waiter.loop.now.adding(milliseconds: 5_000)) else { return } }
    }

    @Test("Nothing is read before the poller has spoken, and a short read says that there is no more")
    func shortRead() async throws {
        let steps = try await onWorker { loop in
            let (socket, waiter, peer) = try await Self.connected(loop)
            let input = Buffer()
            var steps = [socket.read(into: input, room: 64)]
            peer.send(Array("abc".utf8))
            await Self.until(waiter) { socket.mayRead }
            steps.append(socket.read(into: input, room: 4_096))
            #expect(!socket.mayRead)
            steps.append(socket.read(into: input, room: 4_096))
            return steps
        }
        #expect(steps == [.wouldBlock, .octets(3), .wouldBlock])
    }

    @Test("Octets and the end in one event are both read", arguments: [16, 4_096])
    func dataAndEnd(_ room: Int) async throws {
        let (text, last) = try await onWorker { loop in
            let (socket, waiter, peer) = try await Self.connected(loop)
            peer.send([UInt8](repeating: 0x61, count: 1_000))
            peer.shutdownSending()
            await Self.until(waiter) { socket.isPeerClosed }
            let input = Buffer()
            var last = IOResult.wouldBlock
            // No event comes any more: every read must find its own way to the end.
            for _ in 0..<1_100 {
                last = socket.read(into: input, room: room)
                guard case .octets = last else { break }
            }
            return (input.count, last)
        }
        #expect(text == 1_000)
        #expect(last == .ended)
    }

    @Test("A full peer stops the writer, and wakes it when it has taken something")
    func backPressure() async throws {
        let (sent, received) = try await onWorker { loop in
            let (socket, waiter, peer) = try await Self.connected(loop)
            await Self.until(waiter) { socket.mayWrite }
            let total = 16 << 20
            let out = Buffer()
            out.append([UInt8](repeating: 0x61, count: total))
            var hasBlocked = false
            let reader = Counter()
            var thread: Thread?
            while !out.isEmpty {
                switch socket.write(out) {
                case .octets(let count): out.consume(count)
                case .wouldBlock:
                    if !hasBlocked {
                        thread = try Thread.start(name: "reader") {
                            while true {
                                let count = peer.read(1 << 20).count
                                if count == 0 { break }
                                _ = reader.value.add(count, ordering: .relaxed)
                            }
                        }
                    }
                    hasBlocked = true
                    guard await waiter.wait(until: loop.now.adding(milliseconds: 5_000)) else { return (-1, 0) }
                case .ended, .failed: return (-2, 0)
                }
            }
            #expect(hasBlocked)
            socket.shutdownSending()
            thread?.join()
            return (total, reader.value.load(ordering: .relaxed))
        }
        #expect(sent == received)
    }

    private final class Counter: Sendable { let value = Atomic(0) }

    @Test("A reset is told to the reader and to the writer")
    func reset() async throws {
        let (read, write) = try await onWorker { loop in
            let (socket, waiter, peer) = try await Self.connected(loop)
            peer.reset()
            await Self.until(waiter) { socket.isPeerClosed }
            let out = Buffer()
            out.append("x")
            return (socket.read(into: Buffer(), room: 16), socket.write(out))
        }
        #expect(read == .failed(ECONNRESET))
        #expect(write == .failed(EPIPE))
    }

    @Test("Two buffers leave as one, and an empty first costs nothing")
    func two() async throws {
        let octets = try await onWorker { loop in
            let (socket, waiter, peer) = try await Self.connected(loop)
            await Self.until(waiter) { socket.mayWrite }
            let (first, second) = (Buffer(), Buffer())
            first.append("head")
            second.append("content and more")
            #expect(socket.write(first, then: second, count: 7) == .octets(11))
            #expect(socket.write(Buffer(), then: second, count: 3) == .octets(3))
            return peer.read(14)
        }
        #expect(octets == Array("headcontentcon".utf8))
    }

    @Test("A closed socket answers like one that has ended, twice closed or not")
    func closed() async throws {
        let (read, write) = try await onWorker { loop in
            let (socket, _, _) = try await Self.connected(loop)
            socket.close()
            socket.close()
            socket.shutdownSending()
            socket.abortOnClose()
            let out = Buffer()
            out.append("x")
            return (socket.read(into: Buffer(), room: 16), socket.write(out))
        }
        #expect(read == .ended)
        #expect(write == .failed(EPIPE))
    }

    /// EPOLLIN (epoll_ctl(2)).
    private static let readable: UInt32 = 1

    @Test("An event for a socket that has gone meets nobody, also when its slot is used again")
    func recycled() async throws {
        let (isOther, mayRead) = try await onWorker { loop in
            let registry = SocketRegistry()
            let (first, _, _) = try await Self.connected(loop)
            let (second, _, _) = try await Self.connected(loop)
            let old = registry.insert(first)
            registry.remove(old)
            let new = registry.insert(second)
            registry.deliver(Poller.Event(token: old, flags: Self.readable))
            let stale = second.mayRead
            registry.deliver(Poller.Event(token: new, flags: Self.readable))
            registry.deliver(Poller.Event(token: 99, flags: Self.readable))
            return (UInt32(truncatingIfNeeded: old) == UInt32(truncatingIfNeeded: new) && old != new && !stale, second.mayRead)
        }
        #expect(isOther)
        #expect(mayRead)
    }
}
