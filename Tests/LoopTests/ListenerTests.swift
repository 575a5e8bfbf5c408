import Glibc
import Synchronization
import Testing

@testable import Loop

@Suite("Listener")
struct ListenerTests {
    private final class Counter: Sendable { let value = Atomic(0) }

    @Test("A crowd that waits to be accepted does not keep the loop from others")
    func crowd() async throws {
        let seen = try await onWorker { loop in
            let listener = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
            let clients = (0..<200).map { _ in TestSocket(connectingTo: listener.address.port) }
            let accepted = Counter()
            let seen = Counter()
            while accepted.value.load(ordering: .relaxed) < 200 {
                let next = try #require(await listener.accept())
                Glibc.close(next.descriptor)
                if accepted.value.add(1, ordering: .relaxed).newValue == 1 {
                    Task(executorPreference: loop) {
                        seen.value.store(accepted.value.load(ordering: .relaxed), ordering: .relaxed)
                    }
                }
            }
            for client in clients { client.close() }
            return seen.value.load(ordering: .relaxed)
        }
        #expect((1..<200).contains(seen))
    }

    /// Takes whoever comes until the listener has left, and says how many.
    private static func acceptAll(_ listener: Listener) async -> Int {
        var accepted = 0
        while let next = await listener.accept() {
            Glibc.close(next.descriptor)
            accepted += 1
        }
        return accepted
    }

    @Test("A listener that leaves turns nobody away who has connected before")
    func queueIsDrained() async throws {
        let accepted = try await onWorker { loop in
            let listener = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
            let clients = (0..<20).map { _ in TestSocket(connectingTo: listener.address.port) }
            listener.leave(in: 0)
            let accepted = await Self.acceptAll(listener)
            for client in clients { client.close() }
            return accepted
        }
        #expect(accepted == 20)
    }

    @Test("Who comes while a listener leaves is not taken by it, but by the next one at the address")
    func newClientsMeetTheNext() async throws {
        let taken = try await onWorker { loop in
            let old = try Listener(address: #require(SocketAddress(numeric: "127.0.0.1:0")), loop: loop)
            let port = old.address.port
            old.leave(in: 300)
            let client = Task.detached { TestSocket(connectingTo: port) }
            let byOld = await Self.acceptAll(old)
            // Its first SYN was dropped; the next one follows a second later. Somebody else comes after it, so that there is an end.
            let new = try Listener(address: old.address, loop: loop)
            let clients = [await client.value, TestSocket(connectingTo: port)]
            new.leave(in: 0)
            let byNew = await Self.acceptAll(new)
            for client in clients { client.close() }
            return [byOld, byNew]
        }
        #expect(taken == [0, 2])
    }
}
