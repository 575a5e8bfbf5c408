/// Why a text is not a value of its key; the sentence follows "expected".
struct Fault: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// How one kind of scalar is read from text, written back, and described to a JSON Schema.
struct Codec<Value: Sendable & Equatable>: Sendable {
    /// The schema's keywords, such as `type` and `pattern`; `x-minimum` and `x-maximum` where a bound is no number to JSON.
    let schema: [(String, JSONText)]
    let parse: @Sendable (String) throws(Fault) -> Value
    let write: @Sendable (Value) -> Output
}

extension Codec where Value == Int {
    /// A whole number; no sign, no fraction, no other base.
    static func integer(_ range: ClosedRange<Int>) -> Self {
        Codec(
            schema: [
                ("type", .string("integer")), ("minimum", .integer(Int64(range.lowerBound))),
                ("maximum", .integer(Int64(range.upperBound))),
            ],
            parse: { (text) throws(Fault) in
                guard let value = Decimal.parse(text.utf8), value <= UInt64(Int.max), range.contains(Int(value)) else {
                    throw Fault("expected a whole number from \(range.lowerBound) to \(range.upperBound), found `\(text)`")
                }
                return Int(value)
            },
            write: { .bare(String($0)) })
    }
}

extension Codec where Value == Bool {
    static var boolean: Self {
        Codec(
            schema: [("type", .string("boolean"))],
            parse: { (text) throws(Fault) in
                switch text {
                case "true": return true
                case "false": return false
                default: throw Fault("expected true or false, found `\(text)`")
                }
            },
            write: { .bare($0 ? "true" : "false") })
    }
}

extension Codec where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One word of a closed list.
    static var choice: Self {
        let words = Value.allCases.map(\.rawValue)
        return Codec(
            schema: [("enum", .array(words.map(JSONText.string)))],
            parse: { (text) throws(Fault) in
                if let value = Value(rawValue: text) { return value }
                let hint = NearestName.of(text, among: words).map { "; did you mean `\($0)`?" } ?? ""
                throw Fault("expected \(words.joined(separator: " or ")), found `\(text)`\(hint)")
            },
            write: { .text($0.rawValue) })
    }
}

/// A number that can be left to the machine: `auto` or a whole number.
package enum Count: Equatable, Sendable {
    case auto
    case exactly(Int)
}

extension Codec where Value == Count {
    static func count(_ range: ClosedRange<Int>) -> Self {
        let number = Codec<Int>.integer(range)
        return Codec(
            schema: [("anyOf", .array([.object([("const", .string("auto"))]), .object(number.schema)]))],
            parse: { (text) throws(Fault) in
                if text == "auto" { return .auto }
                guard let value = try? number.parse(text) else {
                    throw Fault(
                        "expected auto or a whole number from \(range.lowerBound) to \(range.upperBound), found `\(text)`")
                }
                return .exactly(value)
            },
            write: {
                switch $0 {
                case .auto: .bare("auto")
                case .exactly(let value): .bare(String(value))
                }
            })
    }
}

/// How much is kept at hand: `off`, or a number of entries.
package enum CacheSize: Equatable, Sendable {
    case off
    case entries(Int)

    /// 0: nothing is.
    package var number: Int { if case .entries(let number) = self { number } else { 0 } }
}

extension Codec where Value == CacheSize {
    static func cacheSize(_ range: ClosedRange<Int>) -> Self {
        let number = Codec<Int>.integer(range)
        return Codec(
            schema: [("anyOf", .array([.object([("const", .string("off"))]), .object(number.schema)]))],
            parse: { (text) throws(Fault) in
                if text == "off" { return .off }
                guard let value = try? number.parse(text) else {
                    throw Fault("expected off or a whole number from \(range.lowerBound) to \(range.upperBound), found `\(text)`")
                }
                return .entries(value)
            },
            write: {
                switch $0 {
                case .off: .bare("off")
                case .entries(let value): .bare(String(value))
                }
            })
    }
}

extension Codec where Value == String {
    /// 1 to `limit` octets of printable ASCII without spaces; `what` names it in a problem.
    static func word(_ what: String, limit: Int) -> Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^[!-~]{1,\(limit)}$"))],
            parse: { (text) throws(Fault) in
                guard (1...limit).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                    throw Fault("expected \(what), 1 to \(limit) printable ASCII characters without spaces")
                }
                return text
            },
            write: { .text($0) })
    }
}

extension Codec where Value == String {
    /// A key's name, which stands in tokens as it is.
    static var keyID: Self {
        Codec(
            schema: [("type", .string("string")), ("pattern", .string("^[A-Za-z0-9_-]{1,64}$"))],
            parse: { (text) throws(Fault) in
                let isBase64URL = text.utf8.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
                guard isBase64URL, (1...64).contains(text.utf8.count) else {
                    throw Fault("expected a key id, 1 to 64 letters, digits, - and _")
                }
                return text
            },
            write: { .text($0) })
    }
}

/// Decimal digits and nothing else, as no `Int.init` promises.
enum Decimal {
    /// nil for an empty text, any other octet, a leading zero, and what 64 bits cannot hold.
    static func parse(_ digits: some Collection<UInt8>) -> UInt64? {
        guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit &- UInt8(ascii: "0")))
            if overflow || carried { return nil }
            value = sum
        }
        return value
    }
}

extension StringProtocol {
    /// The parts before and after the first `separator`; nil when it is not there.
    func cut(at separator: Character) -> (SubSequence, SubSequence)? {
        guard let index = firstIndex(of: separator) else { return nil }
        return (self[..<index], self[self.index(after: index)...])
    }
}
