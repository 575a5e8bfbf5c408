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
}
