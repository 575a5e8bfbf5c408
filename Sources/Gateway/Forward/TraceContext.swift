import Wire

/// `traceparent` of W3C Trace Context, version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
enum TraceContext {
    private static let length = 55

    static func isValid(_ octets: Buffer, _ range: ByteRange) -> Bool {
        guard range.end - range.start == length else { return false }
        let span = octets.octets
        guard span[range.start] == 0x30, span[range.start + 1] == 0x30 else { return false }
        var zeros = (trace: true, parent: true)
        for offset in 2..<length {
            let octet = span[range.start + offset]
            if offset == 2 || offset == 35 || offset == 52 {
                guard octet == UInt8(ascii: "-") else { return false }
                continue
            }
            guard isLowerHex(octet) else { return false }
            if octet != 0x30 {
                if offset < 35 { zeros.trace = false } else if offset < 52 { zeros.parent = false }
            }
        }
        return !zeros.trace && !zeros.parent
    }

    /// Begins a trace named after the request; whether it is recorded is for those to say who record.
    static func begin(_ id: RequestID, to out: Buffer) {
        out.append("traceparent: 00-")
        id.append(to: out)
        out.append("-")
        out.append(hexadecimal16: id.low | 1)
        out.append("-00\r\n")
    }

    private static func isLowerHex(_ octet: UInt8) -> Bool {
        (0x30...0x39).contains(octet) || (0x61...0x66).contains(octet)
    }
}
