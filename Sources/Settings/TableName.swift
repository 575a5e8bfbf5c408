/// `table` or `schema.table`, each part as it is written: no part is folded to lower case, as SQL would do it without quotes.
package struct TableName: Equatable, Sendable, CustomStringConvertible {
    package let schema: String?
    package let name: String

    package var description: String { schema.map { "\($0).\(name)" } ?? name }
}

extension Codec where Value == TableName {
    static var tableName: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string(#"^[^".\s]{1,63}(\.[^".\s]{1,63})?$"#))],
            parse: { (text) throws(Fault) in
                let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                guard (1...2).contains(parts.count), parts.allSatisfy(SQLName.isGood) else {
                    throw Fault("expected the name of a table, such as users or app.users; \(SQLName.rule)")
                }
                return TableName(schema: parts.count == 2 ? parts[0] : nil, name: parts[parts.count - 1])
            },
            write: { .text($0.description) })
    }
}

extension Codec where Value == String {
    static var columnName: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string(#"^[^".\s]{1,63}$"#))],
            parse: { (text) throws(Fault) in
                guard SQLName.isGood(text) else { throw Fault("expected the name of a column; \(SQLName.rule)") }
                return text
            },
            write: { .text($0) })
    }

    /// One SELECT, which stands in the place of a table's name: so without an end.
    static var select: Self {
        Codec(
            schema: [("type", .string("string")), ("maxLength", .integer(8_192))],
            parse: { (text) throws(Fault) in
                let start = text.drop { $0.isWhitespace }.prefix { $0.isLetter }.lowercased()
                guard ["select", "with"].contains(start) else { throw Fault("expected a SELECT") }
                guard !text.utf8.contains(UInt8(ascii: ";")) else { throw Fault("expected one SELECT without a semicolon") }
                guard text.utf8.count <= 8_192, !text.utf8.contains(0) else { throw Fault("expected a SELECT of at most 8192 octets") }
                return text
            },
            write: { .text($0) })
    }
}

/// What PostgreSQL and SQLite take for a name, quoted.
private enum SQLName {
    static let rule = "each name has 1 to 63 octets, without quotes, dots and white space"

    static func isGood(_ name: String) -> Bool {
        // NAMEDATALEN of PostgreSQL, less its end: longer names are cut off there, and meet another.
        (1...63).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value > 0x20 && $0.value != 0x7F && $0 != "\"" && $0 != "." }
    }
}
