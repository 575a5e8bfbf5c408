/// Settings as they are written back: in the order of the keys' description, each scalar with how it must be quoted.
indirect enum Output: Equatable, Sendable {
    /// A number or a word that every YAML reader takes as we do.
    case bare(String)
    case text(String)
    case list([Output])
    case section([Member])

    struct Member: Equatable, Sendable {
        let name: String
        let value: Output
    }
}

extension Output {
    /// Block-style YAML; lists of scalars stand on one line.
    var yaml: String {
        var out = ""
        guard case .section(let members) = self else { return scalarText + "\n" }
        Self.write(members, indent: 0, to: &out)
        return out
    }

    private static func write(_ members: [Member], indent: Int, to out: inout String) {
        for member in members {
            out += String(repeating: " ", count: indent) + quoted(member.name) + ":"
            switch member.value {
            case .bare, .text: out += " \(member.value.scalarText)\n"
            case .section(let inner) where inner.isEmpty: out += " {}\n"
            case .section(let inner):
                out += "\n"
                write(inner, indent: indent + 2, to: &out)
            case .list(let items) where items.allSatisfy(\.isScalar):
                out += " [\(items.map(\.scalarText).joined(separator: ", "))]\n"
            case .list(let items):
                out += "\n"
                for item in items { write(item, indent: indent + 2, to: &out) }
            }
        }
    }

    private static func write(_ item: Output, indent: Int, to out: inout String) {
        guard case .section(let members) = item, !members.isEmpty else {
            out += String(repeating: " ", count: indent) + "- \(item.scalarText)\n"
            return
        }
        var block = ""
        write(members, indent: indent + 2, to: &block)
        // The first key stands behind the dash, which takes the place of its indentation.
        out += String(repeating: " ", count: indent) + "- " + block.dropFirst(indent + 2)
    }

    private var isScalar: Bool {
        switch self {
        case .bare, .text: true
        case .list, .section: false
        }
    }

    private var scalarText: String {
        switch self {
        case .bare(let word): word
        case .text(let text): Self.quoted(text)
        case .list(let items): "[\(items.map(\.scalarText).joined(separator: ", "))]"
        case .section: "{}"
        }
    }

    /// Plain where no reader could take it for anything but this text, else in double quotes.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let first = text.utf8.first ?? 0
        let isWord = plain && (first == UInt8(ascii: "/") || (first | 0x20 >= 0x61 && first | 0x20 <= 0x7A))
        let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        return isWord && !words.contains(text.lowercased()) ? text : JSONText.quoted(text)
    }
}
