/// One reply of RESP2 (Redis' protocol), copied out of the parser.
enum RedisReply: Equatable, Sendable {
    case status([UInt8])
    case error([UInt8])
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([RedisReply])

    var isOK: Bool {
        if case .status(let text) = self { text.elementsEqual("OK".utf8) } else { false }
    }

    /// What kind of reply it is, for a message; never its content.
    var kind: StaticString {
        switch self {
        case .status: "a status"
        case .error: "an error"
        case .integer: "an integer"
        case .bulk: "a string"
        case .null: "nothing"
        case .array: "an array"
        }
    }
}
