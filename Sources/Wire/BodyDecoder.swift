/// Takes a message's content out of a connection's input (RFC 9112 6 and 7).
///
/// Ask `next`; use the octets of a `.data` step where they stand, `consume` them from the input, and say so with `took`.
package struct BodyDecoder {
    package enum Step: Equatable, Sendable {
        /// The first n readable octets of the input are content; n > 0.
        case data(Int)
        /// More octets have to be read from the peer.
        case needMore
        /// The message is complete; what else is in the input belongs to the next one.
        case end
    }

    private enum State {
        case length(UInt64), untilClose, closed
        case chunkLine, chunkData(UInt64), chunkEnd, trailers
        case end
    }

    private var state: State
    private let limits: BodyLimits
    /// Octets of the line that is not complete yet that have been looked at.
    private var scanned = 0
    private var extensionBytes = 0
    /// Complete once `next` has said `.end`.
    package private(set) var trailers = TrailerBlock()

    package init(_ framing: BodyFraming, limits: BodyLimits = BodyLimits()) {
        self.limits = limits
        state =
            switch framing {
            case .none: .end
            case .length(let count): count == 0 ? .end : .length(count)
            case .chunked: .chunkLine
            case .untilClose: .untilClose
            }
    }

    package mutating func next(_ input: Buffer) throws(WireError) -> Step {
        while true {
            switch state {
            case .end: return .end
            case .length(let rest), .chunkData(let rest):
                if input.isEmpty { return .needMore }
                return .data(rest < UInt64(input.count) ? Int(rest) : input.count)
            case .untilClose: return input.isEmpty ? .needMore : .data(input.count)
            case .closed: return input.isEmpty ? .end : .data(input.count)
            case .chunkLine: guard try readChunkLine(input) else { return .needMore }
            case .chunkEnd: guard try readChunkEnd(input) else { return .needMore }
            case .trailers: guard try readTrailer(input) else { return .needMore }
            }
        }
    }

    /// The caller has consumed the first `count` octets of the last `.data` step from the input.
    package mutating func took(_ count: Int) {
        switch state {
        case .length(let rest):
            let left = rest - UInt64(count)
            state = left == 0 ? .end : .length(left)
        case .chunkData(let rest):
            let left = rest - UInt64(count)
            state = left == 0 ? .chunkEnd : .chunkData(left)
        case .untilClose, .closed, .chunkLine, .chunkEnd, .trailers, .end: break
        }
    }

    /// The peer has closed, and `next` has said `.needMore` to all that it sent.
    /// - Throws: `.truncated` when the message was not complete.
    package mutating func endOfInput() throws(WireError) {
        switch state {
        case .untilClose, .closed: state = .closed
        case .end: break
        case .length, .chunkLine, .chunkData, .chunkEnd, .trailers: throw WireError(.truncated)
        }
    }

    /// Whether the whole message has been taken out of the input.
    package var isAtEnd: Bool { if case .end = state { true } else { false } }

    // MARK: Chunks

    private mutating func readChunkLine(_ input: Buffer) throws(WireError) -> Bool {
        // 16 digits, CRLF, and what is left of the room for extensions.
        let limit = 18 &+ limits.extensionBytes &- extensionBytes
        guard let lineFeed = try lineEnd(input, limit, .chunkExtensionsTooLarge, .invalidChunkLineEnd) else { return false }
        let line = try ChunkLine(input.octets, to: lineFeed &- 1)
        extensionBytes &+= line.extensionBytes
        if extensionBytes > limits.extensionBytes { throw WireError(.chunkExtensionsTooLarge) }
        input.consume(lineFeed &+ 1)
        state = line.size == 0 ? .trailers : .chunkData(line.size)
        return true
    }

    private mutating func readChunkEnd(_ input: Buffer) throws(WireError) -> Bool {
        guard !input.isEmpty else { return false }
        guard input[0] == .cr else { throw WireError(.invalidChunkEnd) }
        guard input.count >= 2 else { return false }
        guard input[1] == .lf else { throw WireError(.invalidChunkEnd) }
        input.consume(2)
        state = .chunkLine
        return true
    }

    /// One trailer, or the empty line that ends the message.
    private mutating func readTrailer(_ input: Buffer) throws(WireError) -> Bool {
        // The empty line comes on top, so that no room for trailers still lets a body end.
        let limit = limits.trailerBytes &- trailers.count &+ 2
        guard let lineFeed = try lineEnd(input, limit, .trailersTooLarge, .bareLF) else { return false }
        if lineFeed == 1 {
            input.consume(2)
            state = .end
            return true
        }
        if trailers.fields.count >= limits.trailerFields { throw WireError(.tooManyTrailers) }
        try trailers.append(input, lineFeed &+ 1)
        input.consume(lineFeed &+ 1)
        return true
    }

    /// Where the LF of the input's first line stands, with a CR before it; nil when the line is not complete. A line of more than `limit`
    /// octets is too long, complete or not.
    private mutating func lineEnd(
        _ input: Buffer, _ limit: Int, _ tooLong: WireError.Reason, _ noCR: WireError.Reason
    ) throws(WireError) -> Int? {
        let octets = input.octets
        let lineFeed = octets.first(.lf, from: scanned, to: octets.count)
        guard lineFeed < octets.count else {
            scanned = octets.count
            if octets.count >= limit { throw WireError(tooLong) }
            return nil
        }
        scanned = 0
        if lineFeed >= limit { throw WireError(tooLong) }
        guard lineFeed > 0, octets[lineFeed &- 1] == .cr else { throw WireError(noCR) }
        return lineFeed
    }
}
