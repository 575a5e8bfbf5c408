import Loop
import Synchronization
import Testing
import Wire

@testable import Gateway

/// How many tasks serve how many connections.
@Suite("Porters")
struct PortersTests {
    private final class Count: Sendable {
        private let figures = Mutex((begun: 0, held: 0, ticks: 0, isReleased: false))

        var begun: Int { figures.withLock { $0.begun } }
        var held: Int { figures.withLock { $0.held } }
        var ticks: Int { figures.withLock { $0.ticks } }
        var isReleased: Bool { figures.withLock { $0.isReleased } }
        func begin() { figures.withLock { $0.begun += 1 } }
        func hold() { figures.withLock { $0.held += 1 } }
        func tick() { figures.withLock { $0.ticks += 1 } }
        func release(_ isReleased: Bool) {
            figures.withLock {
                $0.isReleased = isReleased
                $0.held = 0
            }
        }

        /// False: not within ten seconds.
        func waits(_ check: (Count) -> Bool) async throws -> Bool {
            for _ in 0..<2_000 {
                if check(self) { return true }
                try await Task.sleep(for: .milliseconds(5))
            }
            return false
        }
    }

    /// Answers; `/hold` only once that is allowed, and `/wait` too, but without a task.
    private final class HoldingHandler: Handler {
        private let count: Count
        private let loop: EventLoop

        init(_ count: Count, _ context: WorkerContext) {
            self.count = count
            loop = context.loop
            let begin = context.porters.begin
            context.porters.begin = {
                count.begin()
                begin()
            }
        }

        func advance(_ exchange: Exchange) -> Progress {
            guard exchange.head.bytes.array(exchange.head.path) == Array("/wait".utf8) else { return exchange.isAttended ? .ended : .needsTask }
            if exchange.note == nil {
                exchange.note = "waits"
                count.hold()
            }
            guard count.isReleased else { return .waits(until: loop.now.adding(milliseconds: 5)) }
            exchange.put(Answer(status: 200, body: Array("done".utf8)))
            return .ended
        }

        func handle(_ exchange: Exchange) async {
            if exchange.head.bytes.array(exchange.head.path) == Array("/hold".utf8) {
                count.hold()
                while !count.isReleased { _ = await exchange.waiter.wait(until: loop.now.adding(milliseconds: 5)) }
            }
            await exchange.answer(Answer(status: 200, body: Array("done".utf8)))
        }

        func record(_ exchange: Exchange) {}
        func tick() { count.tick() }
    }

    private func withServer(_ body: (UInt16, Count) async throws -> Void) async throws {
        let count = Count()
        let server = try Server(workers: 1)
        let address = try #require(SocketAddress(numeric: "127.0.0.1:0"))
        let service = Service(addresses: [address]) { context, _ in HoldingHandler(count, context) }
        try await body(try await server.listen(service).port, count)
        _ = await server.stop(drain: 0)
    }

    @Test("Connections that ask one after another are served by one task, however many wait; none of them has one meanwhile")
    func oneAfterAnother() async throws {
        try await withServer { port, count in
            let clients = (0..<40).map { _ in BlockingSocket(port: port) }
            defer { for client in clients { client.close() } }
            for _ in 0..<2 {
                for client in clients {
                    let answer = try await onThread {
                        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        return client.read(until: "done")
                    }
                    #expect(answer.hasPrefix("HTTP/1.1 200 "))
                }
            }
            #expect(count.begun == 1)
        }
    }

    @Test("Exchanges that wait for something to move have no task, nor have their heads, answers and ends")
    func withoutTasks() async throws {
        try await withServer { port, count in
            let clients = (0..<12).map { _ in BlockingSocket(port: port) }
            defer { for client in clients { client.close() } }
            for client in clients { client.send("GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }
            #expect(try await count.waits { $0.held == 12 })
            count.release(true)
            for client in clients {
                let answer = try await onThread { client.readToEnd().text }
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("done"))
            }
            #expect(count.begun == 0)
        }
    }

    @Test("Exchanges that need a task have one each; what a crowd needed is not kept, but for a few")
    func crowd() async throws {
        try await withServer { port, count in
            let clients = (0..<12).map { _ in BlockingSocket(port: port) }
            defer { for client in clients { client.close() } }
            for begun in [12, 16] {
                count.release(false)
                for client in clients { client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n") }
                #expect(try await count.waits { $0.held == 12 })
                #expect(count.begun == begun)
                count.release(true)
                for client in clients {
                    let answer = try await onThread { client.read(until: "done") }
                    #expect(answer.hasPrefix("HTTP/1.1 200 "))
                }
                let ticks = count.ticks
                #expect(try await count.waits { $0.ticks > ticks + 3 })
            }
        }
    }
}
