import Loop
import Wire

/// Moves one message's content from the transport that it comes from to the one that it goes to, re-framed from its parsed
/// parts, and reads no more than the other side takes.
struct BodyPump {
    /// How the content is framed on its way out.
    enum Framing {
        /// As it is: after a Content-Length, or until the connection's end.
        case plain
        case chunked
    }

    enum Side { case source, sink }

    /// Content up to this size is copied behind the head or the chunk line, so that all of it leaves in one write; larger
    /// pieces are written from where they were read.
    private static let smallPiece = 8_192
    /// Small pieces are collected up to here.
    private static let fullOutput = 16_384

    /// Reads in one step: at most about a megabyte, which takes less than a millisecond.
    private static let readsPerStep = 4

    private(set) var decoder: BodyDecoder
    private let framing: Framing
    /// Octets of content that may leave. Judged before any of a piece does, so that nobody is sent the end of too much.
    private let limit: UInt64
    /// Octets at the front of the source's input that belong to a chunk, or to the content, whose beginning is written.
    private var piece = 0
    private var isEndWritten = false
    /// Octets of content that have left.
    private(set) var moved: UInt64 = 0
    /// Who has to move next, after a step that could not finish.
    private(set) var blockedOn = Side.source
    /// All content, and its end, have been written.
    private(set) var isDone = false
    /// Stopped although both sides could go on, so that others have their turn.
    private(set) var isPaused = false

    init(_ decoder: BodyDecoder, framing: Framing, limit: UInt64 = .max) {
        self.decoder = decoder
        self.framing = framing
        self.limit = limit
    }

    /// Moves what can be moved now, up to a fair share of the worker's time.
    /// - Parameter headers: says which trailers go on.
    mutating func step(from source: Transport, to sink: Transport, _ headers: HeaderPolicy) throws(PumpFault) {
        isPaused = false
        var reads = 0
        while !isDone {
            try fill(source.input, sink.output, headers)
            if piece > 0 || !sink.output.isEmpty {
                guard try write(source.input, sink) else { return blockedOn = .sink }
                continue
            }
            if isEndWritten {
                isDone = true
                return
            }
            if reads == BodyPump.readsPerStep { return isPaused = true }
            reads += 1
            guard try read(source) else { return blockedOn = .source }
        }
    }

    /// Puts into `output` what goes before the next octets of content, and small content with it.
    private mutating func fill(_ input: Buffer, _ output: Buffer, _ headers: HeaderPolicy) throws(PumpFault) {
        while piece == 0 && !isEndWritten && output.count < BodyPump.fullOutput {
            switch try next(input) {
            case .needMore: return
            case .end: writeEnd(output, headers)
            case .data(let count):
                guard UInt64(count) <= limit &- moved else { throw .tooLarge }
                if framing == .chunked {
                    output.append(hexadecimal: UInt64(count))
                    output.append("\r\n")
                }
                guard count <= BodyPump.smallPiece else {
                    piece = count
                    return
                }
                output.append(input, ByteRange(offset: 0, count: count))
                take(count, input)
                if framing == .chunked { output.append("\r\n") }
            }
        }
    }

    private mutating func next(_ input: Buffer) throws(PumpFault) -> BodyDecoder.Step {
        do { return try decoder.next(input) } catch { throw .malformed(error) }
    }

    private mutating func take(_ count: Int, _ input: Buffer) {
        input.consume(count)
        decoder.took(count)
        moved &+= UInt64(count)
    }

    private mutating func writeEnd(_ output: Buffer, _ headers: HeaderPolicy) {
        isEndWritten = true
        guard framing == .chunked else { return }
        output.append("0\r\n")
        let trailers = decoder.trailers
        for field in trailers.fields where headers.allowsTrailer(trailers.bytes, field) {
            output.append(field, from: trailers.bytes)
        }
        output.append("\r\n")
    }

    /// False: the sink takes nothing more now.
    private mutating func write(_ input: Buffer, _ sink: Transport) throws(PumpFault) -> Bool {
        switch sink.socket.write(sink.output, then: input, count: piece) {
        case .octets(let count):
            let framed = min(count, sink.output.count)
            sink.output.consume(framed)
            let content = count - framed
            if content > 0 {
                take(content, input)
                piece -= content
                if piece == 0 && framing == .chunked { sink.output.append("\r\n") }
            }
            return true
        case .wouldBlock: return false
        case .ended, .failed: throw .sinkGone
        }
    }

    /// False: the source has nothing more now.
    private mutating func read(_ source: Transport) throws(PumpFault) -> Bool {
        switch source.read() {
        case .octets: return true
        case .wouldBlock: return false
        case .failed: throw .sourceGone
        case .ended:
            do { try decoder.endOfInput() } catch { throw .sourceGone }
            return true
        }
    }
}

/// Why a message's content cannot be moved on.
enum PumpFault: Error {
    /// The source closed, or broke, before the message was complete.
    case sourceGone
    case sinkGone
    /// There is more content than allowed.
    case tooLarge
    case malformed(WireError)
}
