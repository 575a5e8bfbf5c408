/// JSON as it is written out by commands: small, ordered, indented for people.
package indirect enum JSONText: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])

    package static func == (left: JSONText, right: JSONText) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.string(let a), .string(let b)): Array(a.utf8) == Array(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }

    /// Indented text without a newline at its end.
    package var text: String {
        var out = ""
        write(indent: 0, to: &out)
        return out
    }

    private func write(indent: Int, to out: inout String) {
        switch self {
        case .null: out += "null"
        case .boolean(let value): out += value ? "true" : "false"
        case .integer(let value): out += String(value)
        case .string(let value): out += Self.quoted(value)
        case .array(let items): Self.write(items.map { (nil, $0) }, in: "[]", indent: indent, to: &out)
        case .object(let members): Self.write(members.map { ($0.0, $0.1) }, in: "{}", indent: indent, to: &out)
        }
    }

    private static func write(_ items: [(String?, JSONText)], in brackets: String, indent: Int, to out: inout String) {
        let margin = "\n" + String(repeating: " ", count: indent + 2)
        out += brackets.prefix(1)
        for (index, item) in items.enumerated() {
            out += (index == 0 ? "" : ",") + margin
            if let name = item.0 { out += quoted(name) + ": " }
            item.1.write(indent: indent + 2, to: &out)
        }
        if !items.isEmpty { out += "\n" + String(repeating: " ", count: indent) }
        out += brackets.suffix(1)
    }

    /// RFC 8259 7; also a YAML double-quoted scalar. Control characters are escaped, so that no terminal acts on them.
    package static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
