/// `%XX` in paths (RFC 3986 2.1).
enum PercentEncoding {
    /// Whether every `%` in `path` stands before two upper-case hexadecimal digits and for an octet that needs it.
    static func isCanonical(_ path: [UInt8]) -> Bool {
        var index = 0
        while index < path.count {
            guard path[index] == UInt8(ascii: "%") else { index += 1; continue }
            guard index + 2 < path.count, let high = digit(path[index + 1]), let low = digit(path[index + 2]),
                !isLowercase(path[index + 1]), !isLowercase(path[index + 2])
            else { return false }
            let octet = high << 4 | low
            // Unreserved octets arrive decoded; encoded separators and control octets do not arrive at all.
            if isUnreserved(octet) || octet == UInt8(ascii: "/") || octet == UInt8(ascii: "\\") || octet < 0x20
                || octet == 0x7F
            {
                return false
            }
            index += 3
        }
        return true
    }

    /// `text` with each `%XX` replaced by its octet; nil when a `%` stands before anything else.
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(text[index])
                index += 1
            }
        }
        return decoded
    }

    private static func digit(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func isLowercase(_ octet: UInt8) -> Bool { octet >= UInt8(ascii: "a") }

    /// RFC 3986 2.3.
    private static func isUnreserved(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
