/// A JSON value (RFC 8259). Strings are octets of valid UTF-8.
package indirect enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that 64 bits hold.
    case integer(Int64)
    /// Any other number; always finite.
    case number(Double)
    case string([UInt8])
    case array([JSON])
    /// In the order in which they came; no name comes twice.
    case object([Member])

    package struct Member: Equatable, Sendable {
        package var name: [UInt8]
        package var value: JSON

        package init(name: [UInt8], value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The member of this name; nil when there is none, or when this is not an object.
    package subscript(name: StaticString) -> JSON? {
        guard case .object(let members) = self else { return nil }
        for member in members
        where member.name.span.equals(ByteRange(offset: 0, count: member.name.count), name) { return member.value }
        return nil
    }

    package var string: [UInt8]? { if case .string(let octets) = self { octets } else { nil } }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// Reads a text that is one JSON value with nothing but white space around it.
    ///
    /// - Parameters:
    ///   - maxDepth: how deep arrays and objects may stand in each other.
    ///   - maxBytes: how long the text may be.
    package static func parse(_ text: Octets, maxDepth: Int = 16, maxBytes: Int = 1 << 20) throws(JSONError) -> JSON {
        guard text.count <= maxBytes else { throw JSONError(.tooLarge, offset: maxBytes) }
        var parser = JSONParser(maxDepth: maxDepth)
        return try parser.parse(text)
    }

    package static func parse(_ text: [UInt8], maxDepth: Int = 16, maxBytes: Int = 1 << 20) throws(JSONError) -> JSON {
        try parse(text.span, maxDepth: maxDepth, maxBytes: maxBytes)
    }

    package static func parse(_ text: RawSpan, maxDepth: Int = 16, maxBytes: Int = 1 << 20) throws(JSONError) -> JSON {
        try parse(Octets(_bytes: text), maxDepth: maxDepth, maxBytes: maxBytes)
    }
}

/// A text that is not JSON, or is more of it than we take.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package let reason: Reason
    /// Octets from the beginning of the text to the fault.
    package let offset: Int

    init(_ reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue) (octet \(offset))" }

    package enum Reason: String, Sendable, CaseIterable {
        case tooLarge = "The JSON text is longer than allowed."
        case tooDeep = "Arrays or objects stand deeper in each other than allowed."
        case tooManyMembers = "An object has more members than allowed."
        case duplicateMember = "An object has two members of one name."
        case unexpectedEnd = "The JSON text ends too early."
        case unexpectedOctet = "Something stands where no JSON text has it."
        case invalidNumber = "A number is not written as JSON has it, or is too large."
        case invalidEscape = "A string holds an escape that JSON does not have, or half of a surrogate pair."
        case controlInString = "A string holds a control octet."
        case invalidUTF8 = "A string is not UTF-8."
    }
}
