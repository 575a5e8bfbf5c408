import Wire

/// Writes text into HTML.
enum HTML {
    /// Appends `text` such that it is nothing but text, in an element and in a quoted attribute alike (WHATWG HTML 13.3). What is
    /// not UTF-8, and what no HTML text may hold (13.2.3.5), becomes U+FFFD.
    static func append(escaped text: [UInt8], to out: Buffer) {
        for octet in String(decoding: text, as: UTF8.self).utf8 {
            switch octet {
            case UInt8(ascii: "&"): out.append("&amp;")
            case UInt8(ascii: "<"): out.append("&lt;")
            case UInt8(ascii: ">"): out.append("&gt;")
            case UInt8(ascii: "\""): out.append("&quot;")
            case UInt8(ascii: "'"): out.append("&#39;")
            case 0x09, 0x0A: out.append(octet)
            case 0x00..<0x20, 0x7F: out.append("\u{FFFD}")
            default: out.append(octet)
            }
        }
    }
}
