package import Wire

/// The trace that an exchange belongs to: 16 octets, never all zero.
package struct TraceID: Sendable, Equatable {
    let digits: HexadecimalDigits

    init(high: UInt64, low: UInt64) { digits = HexadecimalDigits(high: HexadecimalWord(high), low: HexadecimalWord(low)) }

    /// Of the trace that begins with a request.
    init(_ id: RequestID) { digits = id.digits }

    package func append(to out: Buffer) { out.append(digits) }
}

/// `traceparent` of W3C Trace Context: `00-<32 hex>-<16 hex>-<2 hex>`, and whatever a later version adds behind it.
enum TraceContext {
    private static let length = 55

    /// Whose trace the request goes on with; the one that is begun with it where it names none, or none that can be read.
    static func traceID(of exchange: Exchange) -> TraceID {
        let head = exchange.head
        let bytes = head.bytes
        guard let field = parent(in: head), let id = id(bytes.octets, field.value) else {
            return TraceID(exchange.id)
        }
        return id
    }

    /// The request's `traceparent`; nil when there is none or several (3.2: a single header).
    static func parent(in head: RequestHead) -> HeaderField? {
        guard head.has(.traceparent) else { return nil }
        var found: HeaderField?
        for field in head.fields where field.id == .traceparent {
            guard found == nil else { return nil }
            found = field
        }
        return found
    }

    /// The trace that `range` names; nil unless it is well formed (3.2.2) and can go on. A later version is read as far as version 00
    /// goes (4.3): behind that, it ends or has a dash.
    static func id(_ octets: Octets, _ range: ByteRange) -> TraceID? {
        let count = range.end - range.start
        guard count >= length else { return nil }
        let span = octets.extracting(range.start..<range.end)
        guard span[2] == dash, span[35] == dash, span[52] == dash,
            let version = hexadecimal(span, 0..<2), let high = hexadecimal(span, 3..<19), let low = hexadecimal(span, 19..<35),
            let parent = hexadecimal(span, 36..<52), hexadecimal(span, 53..<55) != nil
        else { return nil }
        guard version == 0 ? count == length : version != 0xFF && (count == length || span[length] == dash) else { return nil }
        guard high | low != 0, parent != 0 else { return nil }
        return TraceID(high: high, low: low)
    }

    /// Begins a trace named after the request; whether it is recorded is for those to say who record.
    static func begin(_ id: RequestID, to out: inout HeadWriter) {
        out.append("traceparent: 00-")
        out.append(id.digits)
        out.append("-")
        out.append(HexadecimalWord(id.low | 1))
        out.append("-00\r\n")
    }

    private static let dash = UInt8(ascii: "-")

    /// The number that at most 16 lower-case hexadecimal digits write; upper-case ones are none (3.2.2.3).
    private static func hexadecimal(_ span: Octets, _ range: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in range {
            switch span[index] {
            case let octet where (0x30...0x39).contains(octet): value = value << 4 | UInt64(octet &- 0x30)
            case let octet where (0x61...0x66).contains(octet): value = value << 4 | UInt64(octet &- 0x57)
            default: return nil
            }
        }
        return value
    }
}
