/// `application/x-www-form-urlencoded`, as the WHATWG URL standard reads and writes it (5.1 and 5.2), on octets.
package enum FormURLEncoded {
    package typealias Field = (name: [UInt8], value: [UInt8])

    /// The fields in their order, duplicates kept. A `%` without two hexadecimal digits stands for itself, as the standard has it.
    package static func parse(_ octets: Octets, maxFields: Int = 32) throws(FormError) -> [Field] {
        var fields: [Field] = []
        var start = 0
        while start < octets.count {
            var end = start
            var equals = -1
            while end < octets.count, octets[end] != .ascii("&") {
                if equals < 0, octets[end] == .ascii("=") { equals = end }
                end &+= 1
            }
            if end > start {
                if fields.count >= maxFields { throw .tooManyFields }
                let nameEnd = equals < 0 ? end : equals
                fields.append((decode(octets, start, nameEnd), decode(octets, min(nameEnd &+ 1, end), end)))
            }
            start = end &+ 1
        }
        return fields
    }

    package static func parse(_ octets: [UInt8], maxFields: Int = 32) throws(FormError) -> [Field] {
        try parse(octets.span, maxFields: maxFields)
    }

    private static func decode(_ octets: Octets, _ start: Int, _ end: Int) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(end &- start)
        var index = start
        while index < end {
            let octet = octets[index]
            if octet == .ascii("%"), index &+ 2 < end, let high = octets[index &+ 1].hexadecimalValue,
                let low = octets[index &+ 2].hexadecimalValue
            {
                decoded.append(high << 4 | low)
                index &+= 3
            } else {
                decoded.append(octet == .ascii("+") ? 0x20 : octet)
                index &+= 1
            }
        }
        return decoded
    }

    /// Appends one name or value, encoded. The result is safe in a query as well.
    package static func append(_ octets: [UInt8], to out: Buffer) {
        for octet in octets {
            switch octet {
            case 0x20: out.append(.ascii("+"))
            case _ where octet != .ascii("~") && ASCIISet.unreserved.contains(octet), .ascii("*"): out.append(octet)
            default:
                out.append(.ascii("%"))
                out.append((octet >> 4).upperHexadecimalDigit)
                out.append((octet & 15).upperHexadecimalDigit)
            }
        }
    }
}

package enum FormError: Error, Equatable, Sendable {
    case tooManyFields
}
