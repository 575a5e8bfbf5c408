internal import CHiredis
internal import Wire

/// The octets that Redis sends, made into replies. hiredis' parser does the reading; the bounds are ours.
@safe
final class RedisReader {
    /// Octets of one reply. A session record is about 200 octets and lists are asked for in pages, so that a reply
    /// beyond this is not an answer to us, and would be memory that someone else decides about.
    static let maximumReplySize = 1 << 20
    /// Elements of one array. hiredis allocates room for all of them as soon as it has read the array's header.
    static let maximumElements = 16_384

    private let reader: UnsafeMutablePointer<redisReader>
    /// hiredis' own functions that make reply objects, and behind them ours, with the bound on arrays.
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    /// Octets fed since the last whole reply.
    private var unanswered = 0

    init() throws(RedisProtocolError) {
        guard let reader = unsafe redisReaderCreate() else { throw .outOfMemory }
        guard let standard = unsafe reader.pointee.fn else {
            unsafe redisReaderFree(reader)
            throw .outOfMemory
        }
        unsafe self.reader = unsafe reader
        unsafe functions = .allocate(capacity: 2)
        unsafe functions.initialize(repeating: standard.pointee, count: 2)
        unsafe functions[1].createArray = { task, elements in
            guard let task = unsafe task, elements <= RedisReader.maximumElements,
                let standard = unsafe task.pointee.privdata?.assumingMemoryBound(to: redisReplyObjectFunctions.self),
                let createArray = unsafe standard.pointee.createArray
            else { return nil }
            return unsafe createArray(task, elements)
        }
        unsafe reader.pointee.fn = unsafe functions + 1
        unsafe reader.pointee.privdata = UnsafeMutableRawPointer(functions)
    }

    deinit {
        unsafe redisReaderFree(reader)
        unsafe functions.deallocate()
    }

    /// Nothing of a reply has been fed that is not whole.
    var isBetweenReplies: Bool { unanswered == 0 }

    /// Takes what has arrived, all of it.
    func feed(_ input: Buffer) throws(RedisProtocolError) {
        let count = input.count
        unanswered += count
        guard unanswered <= Self.maximumReplySize else { throw .tooLong }
        let code = unsafe input.withReadable { octets in
            unsafe redisReaderFeed(reader, octets.baseAddress?.assumingMemoryBound(to: CChar.self), octets.count)
        }
        input.consume(count)
        guard code == REDIS_OK else { throw .malformed(message) }
    }

    /// The next whole reply; nil: more octets are needed.
    func next() throws(RedisProtocolError) -> RedisReply? {
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw .malformed(message) }
        guard let object = unsafe object else { return nil }
        defer { unsafe freeReplyObject(object) }
        unanswered = unsafe Int(reader.pointee.len) - Int(reader.pointee.pos)
        return try unsafe Self.copy(object.assumingMemoryBound(to: redisReply.self))
    }

    private var message: String {
        // A 128-octet array that hiredis ends with a NUL; its text quotes no more than one octet of the input.
        unsafe withUnsafeBytes(of: &reader.pointee.errstr) { octets in
            unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    // The depth of the recursion is hiredis' own bound on nesting, at most nine.
    private static func copy(_ object: UnsafeMutablePointer<redisReply>) throws(RedisProtocolError) -> RedisReply {
        switch unsafe object.pointee.type {
        case REDIS_REPLY_STRING: return .bulk(unsafe text(object))
        case REDIS_REPLY_STATUS: return .status(unsafe text(object))
        case REDIS_REPLY_ERROR: return .error(unsafe text(object))
        case REDIS_REPLY_INTEGER: return .integer(unsafe Int64(object.pointee.integer))
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_ARRAY:
            var elements: [RedisReply] = []
            for index in unsafe 0..<Int(object.pointee.elements) {
                guard let element = unsafe object.pointee.element[index] else { throw .malformed("an array has a hole") }
                elements.append(try unsafe copy(element))
            }
            return .array(elements)
        case let type: throw .malformed("a reply of the unknown type \(type)")
        }
    }

    private static func text(_ object: UnsafeMutablePointer<redisReply>) -> [UInt8] {
        guard let text = unsafe object.pointee.str else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: Int(object.pointee.len)))
    }
}

/// What Redis sent is no reply.
enum RedisProtocolError: Error, Equatable, CustomStringConvertible {
    case malformed(String)
    case tooLong
    case unexpected
    case outOfMemory

    var description: String {
        switch self {
        case .malformed(let what): "it sent what is not Redis' protocol (\(what))"
        case .tooLong: "it sent a reply longer than \(RedisReader.maximumReplySize) octets"
        case .unexpected: "it sent a reply that nobody asked for"
        case .outOfMemory: "there is no memory for its reply"
        }
    }
}
