import Loop
import Testing
import Wire

@testable import Gateway

@Suite("BodyPump")
struct BodyPumpTests {
    /// Pumps what `octets` frame, closing the source behind them, and returns what the sink got and how it ended.
    private func pumped(
        _ octets: [UInt8], _ framing: BodyFraming, as out: BodyPump.Framing, before head: String = "", limit: UInt64 = .max
    ) async throws -> (text: String, fault: String, moved: UInt64) {
        try await onLoop { loop in
            let source = try SocketPair(loop: loop)
            let sink = try SocketPair(loop: loop)
            let writer = try Loop.Thread.start(name: "writer") { [peer = source.peer] in
                peer.send(octets)
                peer.shutdownSending()
            }
            sink.transport.output.append(text: head)
            let headers = HeaderPolicy(configuration: try plainConfiguration())
            var pump = BodyPump(BodyDecoder(framing), framing: out, limit: limit)
            var fault = ""
            let reader = Reading(sink.peer)
            let thread = try Loop.Thread.start(name: "reader") { reader.run() }
            do throws(PumpFault) {
                while !pump.isDone {
                    try pump.step(from: source.transport, to: sink.transport, headers)
                    if pump.isDone { break }
                    if pump.isPaused { continue }
                    let waiter = (pump.blockedOn == .source ? source : sink).waiter
                    guard await waiter.wait(until: loop.now.adding(milliseconds: 5_000)) else { break }
                }
            } catch {
                switch error {
                case .sourceGone: fault = "source"
                case .sinkGone: fault = "sink"
                case .tooLarge: fault = "too large"
                case .malformed: fault = "malformed"
                }
            }
            sink.socket.shutdownSending()
            writer.join()
            thread.join()
            return (reader.text, fault, pump.moved)
        }
    }

    @Test(
        "Content leaves in our framing",
        arguments: [
            ("hello", BodyFraming.length(5), BodyPump.Framing.plain, "hello"), ("hello", .untilClose, .plain, "hello"),
            ("hello", .untilClose, .chunked, "5\r\nhello\r\n0\r\n\r\n"), ("", .none, .plain, ""), ("", .untilClose, .chunked, "0\r\n\r\n"),
            ("5;a=b\r\nhello\r\n0\r\n\r\n", .chunked, .plain, "hello"),
            ("2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n", .chunked, .chunked, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
            ("helloGET / HTTP/1.1", .length(5), .plain, "hello"),
        ])
    func framings(_ octets: String, _ framing: BodyFraming, _ out: BodyPump.Framing, _ expected: String) async throws {
        let result = try await pumped(Array(octets.utf8), framing, as: out, before: "HEAD\r\n\r\n")
        #expect(result.text == "HEAD\r\n\r\n" + expected)
        #expect(result.fault.isEmpty)
    }

    @Test("rule 7: a trailer that an upstream could take for a header of ours ends here, others go on")
    func trailers() async throws {
        let octets = "0\r\nX-User-Id: 1\r\nX_User_Name: eve\r\nx.user.role: root\r\nX-Original-URL: /\r\nX-Sum: 7\r\n\r\n"
        let result = try await pumped(Array(octets.utf8), .chunked, as: .chunked)
        #expect(result.text == "0\r\nX-Sum: 7\r\n\r\n")
    }

    @Test(
        "A source that ends too early, or talks nonsense, is a fault, and no end is written",
        arguments: [
            ("hell", BodyFraming.length(5), "source"), ("5\r\nhell", .chunked, "source"), ("5\r\nhello\r\n", .chunked, "source"),
            ("5\r\nhello\r\n0\r\n", .chunked, "source"), ("5\r\nhelloX", .chunked, "malformed"), ("5\nhello", .chunked, "malformed"),
        ])
    func truncated(_ octets: String, _ framing: BodyFraming, _ fault: String) async throws {
        let result = try await pumped(Array(octets.utf8), framing, as: .chunked)
        #expect(result.fault == fault)
        #expect(!result.text.hasSuffix("0\r\n\r\n"))
    }

    @Test(
        "Of more content than allowed the end never leaves",
        arguments: [("a\r\nhello worl\r\n0\r\n\r\n", "too large"), ("5\r\nhello\r\n0\r\n\r\n", "")])
    func limited(_ octets: String, _ fault: String) async throws {
        let result = try await pumped(Array(octets.utf8), .chunked, as: .chunked, limit: 5)
        #expect(result.fault == fault)
        #expect(result.text.hasSuffix("0\r\n\r\n") == fault.isEmpty)
    }

    @Test("Much content goes through whole, at the pace of who takes it", arguments: [BodyPump.Framing.plain, .chunked])
    func large(_ out: BodyPump.Framing) async throws {
        let octets = (0..<6_000_000).map { UInt8(truncatingIfNeeded: 0x61 + $0 % 26) }
        let result = try await pumped(octets, .length(6_000_000), as: out)
        #expect(result.moved == 6_000_000)
        var text = result.text
        if out == .chunked {
            let input = Buffer()
            input.append(text: text)
            var decoder = BodyDecoder(.chunked)
            var content: [UInt8] = []
            while case .data(let count) = try decoder.next(input) {
                content += input.array(ByteRange(offset: 0, count: count))
                input.consume(count)
                decoder.took(count)
            }
            #expect(decoder.isAtEnd && input.isEmpty)
            text = String(decoding: content, as: UTF8.self)
        }
        #expect(text.utf8.elementsEqual(octets))
    }

    @Test("A sink that takes nothing stops the source from being read")
    func blocked() async throws {
        let (count, held, side) = try await onLoop { loop in
            let source = try SocketPair(loop: loop)
            let sink = try SocketPair(loop: loop)
            while !sink.socket.mayWrite { _ = await sink.waiter.wait() }
            // Fills what the kernel keeps for a reader that does not read.
            let filler = Buffer()
            filler.append([UInt8](repeating: 0, count: 1 << 20))
            while case .octets = sink.socket.write(filler) {}
            source.peer.send("hello")
            await source.readable()
            let headers = HeaderPolicy(configuration: try plainConfiguration())
            var pump = BodyPump(BodyDecoder(.length(5)), framing: .plain)
            sink.transport.output.append("HEAD")
            try pump.step(from: source.transport, to: sink.transport, headers)
            return (source.transport.input.count, sink.transport.output.count, pump.blockedOn)
        }
        #expect(count == 0)
        #expect(held == 4)
        #expect(side == .sink)
    }

    @Test("Head and small content leave in one write")
    func oneWrite() async throws {
        let first = try await onLoop { loop in
            let source = try SocketPair(loop: loop)
            let sink = try SocketPair(loop: loop)
            while !sink.socket.mayWrite { _ = await sink.waiter.wait() }
            source.transport.input.append("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
            sink.transport.output.append("HEAD\r\n\r\n")
            let headers = HeaderPolicy(configuration: try plainConfiguration())
            var pump = BodyPump(BodyDecoder(.chunked), framing: .chunked)
            try pump.step(from: source.transport, to: sink.transport, headers)
            #expect(pump.isDone)
            return String(decoding: sink.peer.receive(1_000).0, as: UTF8.self)
        }
        #expect(first == "HEAD\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    }
}

/// Reads to the end on a thread of its own; `text` once that has been joined.
private final class Reading: @unchecked Sendable {
    // `@unchecked Sendable`: written by the thread, read after its join.
    private let socket: BlockingSocket
    private(set) var text = ""

    init(_ socket: BlockingSocket) { self.socket = socket }

    func run() { text = socket.readToEnd().text }
}
