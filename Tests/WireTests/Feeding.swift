import Wire

/// Octets from text in which each scalar up to U+00FF stands for one octet.
func octets(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

func text(_ octets: [UInt8]) -> String {
    var text = ""
    for octet in octets { text.unicodeScalars.append(Unicode.Scalar(octet)) }
    return text
}

func text(_ buffer: Buffer, _ range: ByteRange) -> String { text(buffer.array(range)) }

func rest(_ buffer: Buffer) -> [UInt8] { buffer.array(ByteRange(offset: 0, count: buffer.count)) }

/// How an input reached a parser: where it was cut.
func cuts(_ count: Int) -> [[Int]] {
    [[], Array(0...count)] + (count > 1 ? (1..<count).map { [$0] } : [])
}

/// The pieces of `input` between the cuts.
func pieces(_ input: [UInt8], _ cuts: [Int]) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    for cut in cuts + [input.count] where cut >= start {
        pieces.append(input[start..<cut])
        start = cut
    }
    return pieces
}

/// A field as text.
struct PlainField: Equatable, CustomStringConvertible {
    var name: String
    var value: String
    var description: String { "\(name): \(value)" }
}

func plain(_ fields: [HeaderField], _ bytes: Buffer) -> [PlainField] {
    fields.map { PlainField(name: text(bytes, $0.name), value: text(bytes, $0.value)) }
}

/// All that a request head says.
struct PlainRequest: Equatable {
    var method = ""
    var version = HTTPVersion.http11
    var host = ""
    var path = ""
    var query: String?
    var fields: [PlainField] = []
    var framing = BodyFraming.none
    var flags: Set<String> = []

    init(_ head: RequestHead) {
        method = text(head.bytes, head.methodRange)
        version = head.version
        host = text(head.bytes, head.host)
        path = text(head.bytes, head.path)
        query = head.query.map { text(head.bytes, $0) }
        fields = plain(head.fields, head.bytes)
        framing = head.framing
        if head.keepAlive { flags.insert("keepAlive") }
        if head.expectsContinue { flags.insert("expectsContinue") }
        if head.hasUnknownExpectation { flags.insert("unknownExpectation") }
        if head.wantsUpgrade { flags.insert("wantsUpgrade") }
        if head.isAsteriskForm { flags.insert("asterisk") }
        if head.hasConnectionOptions { flags.insert("options") }
    }
}

struct PlainResponse: Equatable {
    var status = 0
    var reason = ""
    var version = HTTPVersion.http11
    var fields: [PlainField] = []
    var framing = BodyFraming.none
    var keepAlive = false

    init(_ head: ResponseHead) {
        status = head.status
        reason = text(head.bytes, head.reason)
        version = head.version
        fields = plain(head.fields, head.bytes)
        framing = head.framing
        keepAlive = head.keepAlive
    }
}

enum Outcome<Head: Equatable>: Equatable {
    case head(Head, rest: [UInt8])
    case needMore
    case refused(WireError)

    var reason: WireError.Reason? { if case .refused(let error) = self { error.reason } else { nil } }
    var head: Head? { if case .head(let head, _) = self { head } else { nil } }
}

/// Feeds a message in pieces to a fresh parser; the first answer that is final counts, and what follows is left over.
func feed<Head: Equatable>(
    _ input: [UInt8], _ cuts: [Int], _ parse: (Buffer) throws(WireError) -> Head?
) -> Outcome<Head> {
    let buffer = Buffer()
    var head: Head?
    for piece in pieces(input, cuts) {
        buffer.append(Array(piece))
        if head != nil { continue }
        do throws(WireError) { head = try parse(buffer) } catch { return .refused(error) }
    }
    return head.map { .head($0, rest: rest(buffer)) } ?? .needMore
}

func request(_ input: [UInt8], _ cuts: [Int] = [], limits: HeadLimits = HeadLimits()) -> Outcome<PlainRequest> {
    var parser = RequestParser(limits: limits)
    let head = RequestHead()
    return feed(input, cuts) { buffer throws(WireError) in try parser.parse(buffer, into: head) ? PlainRequest(head) : nil }
}

func response(
    _ input: [UInt8], _ cuts: [Int] = [], answering method: Method = .get, limits: HeadLimits = HeadLimits()
) -> Outcome<PlainResponse> {
    var parser = ResponseParser(limits: limits)
    let head = ResponseHead()
    return feed(input, cuts) { buffer throws(WireError) in
        try parser.parse(buffer, answering: method, into: head) ? PlainResponse(head) : nil
    }
}

struct PlainBody: Equatable {
    var content: [UInt8] = []
    var trailers: [PlainField] = []
}

/// Feeds a body in pieces to a fresh decoder; `closes`: the peer closes behind the last piece.
func body(
    _ input: [UInt8], _ cuts: [Int] = [], framing: BodyFraming = .chunked, limits: BodyLimits = BodyLimits(), closes: Bool = false
) -> Outcome<PlainBody> {
    var decoder = BodyDecoder(framing, limits: limits)
    let buffer = Buffer()
    var plainBody = PlainBody()
    var hasEnded = false
    do throws(WireError) {
        let pieces = pieces(input, cuts)
        for index in 0...pieces.count {
            if index < pieces.count {
                buffer.append(Array(pieces[index]))
            } else if closes, !hasEnded {
                try decoder.endOfInput()
            } else {
                break
            }
            while !hasEnded {
                let step = try decoder.next(buffer)
                if step == .needMore { break }
                if case .data(let count) = step {
                    plainBody.content += buffer.array(ByteRange(offset: 0, count: count))
                    buffer.consume(count)
                    decoder.took(count)
                } else {
                    hasEnded = true
                }
            }
        }
    } catch {
        return .refused(error)
    }
    plainBody.trailers = plain(decoder.trailers.fields, decoder.trailers.bytes)
    return hasEnded ? .head(plainBody, rest: rest(buffer)) : .needMore
}

/// One outcome for a message, however it is cut; nil when two ways of cutting it differ.
func always<Head: Equatable>(_ input: [UInt8], _ run: ([UInt8], [Int]) -> Outcome<Head>) -> Outcome<Head>? {
    let whole = run(input, [])
    for cut in cuts(input.count) where run(input, cut) != whole { return nil }
    return whole
}
