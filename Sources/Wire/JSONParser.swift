/// Strict RFC 8259: no comments, no trailing commas, no duplicate names, no lone surrogates, no numbers that a Double cannot hold.
struct JSONParser {
    /// Names are compared with all earlier ones of their object; this bounds that work.
    private static var maxMembers: Int { 256 }

    private let maxDepth: Int
    private var index = 0

    init(maxDepth: Int) { self.maxDepth = maxDepth }

    mutating func parse(_ text: Octets) throws(JSONError) -> JSON {
        let value = try value(text, depth: 0)
        skipSpace(text)
        guard index == text.count else { throw JSONError(.unexpectedOctet, offset: index) }
        return value
    }

    private mutating func skipSpace(_ text: Octets) {
        while index < text.count {
            switch text[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index &+= 1
            default: return
            }
        }
    }

    /// The octet at hand; an error at the end of the text.
    private func peek(_ text: Octets) throws(JSONError) -> UInt8 {
        guard index < text.count else { throw JSONError(.unexpectedEnd, offset: index) }
        return text[index]
    }

    private mutating func value(_ text: Octets, depth: Int) throws(JSONError) -> JSON {
        skipSpace(text)
        switch try peek(text) {
        case .ascii("{"): return try object(text, depth: depth &+ 1)
        case .ascii("["): return try array(text, depth: depth &+ 1)
        case .ascii("\""): return .string(try string(text))
        case .ascii("t"): return try literal(text, "true", .bool(true))
        case .ascii("f"): return try literal(text, "false", .bool(false))
        case .ascii("n"): return try literal(text, "null", .null)
        case .ascii("-"), 0x30...0x39: return try number(text)
        default: throw JSONError(.unexpectedOctet, offset: index)
        }
    }

    private mutating func literal(_ text: Octets, _ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let count = min(word.utf8CodeUnitCount, text.count &- index)
        guard text.equals(ByteRange(offset: index, count: count), word) else { throw JSONError(.unexpectedOctet, offset: index) }
        index &+= count
        return value
    }

    private mutating func array(_ text: Octets, depth: Int) throws(JSONError) -> JSON {
        if depth > maxDepth { throw JSONError(.tooDeep, offset: index) }
        index &+= 1
        var elements: [JSON] = []
        skipSpace(text)
        if try peek(text) == .ascii("]") {
            index &+= 1
            return .array(elements)
        }
        while true {
            elements.append(try value(text, depth: depth))
            if try ends(text, with: .ascii("]")) { return .array(elements) }
        }
    }

    private mutating func object(_ text: Octets, depth: Int) throws(JSONError) -> JSON {
        if depth > maxDepth { throw JSONError(.tooDeep, offset: index) }
        index &+= 1
        var members: [JSON.Member] = []
        skipSpace(text)
        if try peek(text) == .ascii("}") {
            index &+= 1
            return .object(members)
        }
        while true {
            skipSpace(text)
            let start = index
            guard try peek(text) == .ascii("\"") else { throw JSONError(.unexpectedOctet, offset: index) }
            let name = try string(text)
            // Two readers of one text may each take another of the two values.
            for member in members where member.name == name { throw JSONError(.duplicateMember, offset: start) }
            if members.count >= JSONParser.maxMembers { throw JSONError(.tooManyMembers, offset: start) }
            skipSpace(text)
            guard try peek(text) == .ascii(":") else { throw JSONError(.unexpectedOctet, offset: index) }
            index &+= 1
            members.append(JSON.Member(name: name, value: try value(text, depth: depth)))
            if try ends(text, with: .ascii("}")) { return .object(members) }
        }
    }

    /// Behind an element: true at `closing`, false at a comma.
    private mutating func ends(_ text: Octets, with closing: UInt8) throws(JSONError) -> Bool {
        skipSpace(text)
        let octet = try peek(text)
        guard octet == closing || octet == .ascii(",") else { throw JSONError(.unexpectedOctet, offset: index) }
        index &+= 1
        return octet == closing
    }

    // MARK: Numbers

    private mutating func number(_ text: Octets) throws(JSONError) -> JSON {
        let start = index
        let isNegative = text[index] == .ascii("-")
        if isNegative { index &+= 1 }
        let first = index
        let whole = digits(text)
        guard whole > 0, whole == 1 || text[first] != .ascii("0") else { throw JSONError(.invalidNumber, offset: start) }
        var isInteger = true
        if index < text.count, text[index] == .ascii(".") {
            index &+= 1
            isInteger = false
            guard digits(text) > 0 else { throw JSONError(.invalidNumber, offset: start) }
        }
        if index < text.count, text[index] | 0x20 == .ascii("e") {
            index &+= 1
            isInteger = false
            if index < text.count, text[index] == .ascii("+") || text[index] == .ascii("-") { index &+= 1 }
            guard digits(text) > 0 else { throw JSONError(.invalidNumber, offset: start) }
        }
        if isInteger, let value = JSONParser.integer(text, first, index, isNegative) { return .integer(value) }
        var spelling = ""
        for position in start..<index { spelling.unicodeScalars.append(Unicode.Scalar(text[position])) }
        guard let value = Double(spelling), value.isFinite else { throw JSONError(.invalidNumber, offset: start) }
        return .number(value)
    }

    private mutating func digits(_ text: Octets) -> Int {
        let start = index
        while index < text.count, text[index].isDigit { index &+= 1 }
        return index &- start
    }

    /// nil when 64 bits do not hold it.
    private static func integer(_ text: Octets, _ start: Int, _ end: Int, _ isNegative: Bool) -> Int64? {
        var value: Int64 = 0
        for index in start..<end {
            let digit = Int64(text[index] &- 0x30)
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    // MARK: Strings

    /// The string whose opening quote is at hand.
    private mutating func string(_ text: Octets) throws(JSONError) -> [UInt8] {
        index &+= 1
        var octets: [UInt8] = []
        while true {
            let octet = try peek(text)
            switch octet {
            case .ascii("\""):
                index &+= 1
                return octets
            case .ascii("\\"): try escape(text, into: &octets)
            case 0x00..<0x20: throw JSONError(.controlInString, offset: index)
            default:
                let length = text.utf8SequenceLength(at: index, to: text.count)
                guard length > 0 else { throw JSONError(.invalidUTF8, offset: index) }
                for offset in 0..<length { octets.append(text[index &+ offset]) }
                index &+= length
            }
        }
    }

    private mutating func escape(_ text: Octets, into octets: inout [UInt8]) throws(JSONError) {
        let start = index
        index &+= 1
        let letter = try peek(text)
        index &+= 1
        switch letter {
        case .ascii("\""), .ascii("\\"), .ascii("/"): octets.append(letter)
        case .ascii("b"): octets.append(0x08)
        case .ascii("f"): octets.append(0x0C)
        case .ascii("n"): octets.append(0x0A)
        case .ascii("r"): octets.append(0x0D)
        case .ascii("t"): octets.append(0x09)
        case .ascii("u"):
            var code = try hexadecimal(text, start)
            if code & 0xFC00 == 0xD800 {
                guard index &+ 1 < text.count, text[index] == .ascii("\\"), text[index &+ 1] == .ascii("u") else {
                    throw JSONError(.invalidEscape, offset: start)
                }
                index &+= 2
                let low = try hexadecimal(text, start)
                guard low & 0xFC00 == 0xDC00 else { throw JSONError(.invalidEscape, offset: start) }
                code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF))
            }
            // A low surrogate without its high one is no scalar.
            guard let scalar = Unicode.Scalar(code) else { throw JSONError(.invalidEscape, offset: start) }
            octets.append(contentsOf: String(scalar).utf8)
        default: throw JSONError(.invalidEscape, offset: start)
        }
    }

    private mutating func hexadecimal(_ text: Octets, _ start: Int) throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = try peek(text).hexadecimalValue else { throw JSONError(.invalidEscape, offset: start) }
            code = code << 4 | UInt32(digit)
            index &+= 1
        }
        return code
    }
}
