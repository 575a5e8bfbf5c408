import Testing
import Wire

struct BodyDecoderTests {
    static let chunked: [(String, String, [PlainField])] = [
        ("0\r\n\r\n", "", []),
        ("5\r\nhello\r\n0\r\n\r\nrest", "hello", []),
        ("0005\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!", []),
        ("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", []),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", []),
        ("5;a\r\nhello\r\n0;b=c;d=\"e\\\"; f\"\r\n\r\n", "hello", []),
        ("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n", []),
        ("1\r\nx\r\n0\r\nX-Sum: 1 \r\ny:\r\n\r\n", "x", [PlainField(name: "X-Sum", value: "1"), PlainField(name: "y", value: "")]),
    ]

    @Test("chunks are decoded alike, however they are cut", arguments: chunked)
    func decodes(_ input: String, _ content: String, _ trailers: [PlainField]) throws {
        let outcome = try #require(always(octets(input)) { body($0, $1) })
        let decoded = try #require(outcome.head, "\(outcome)")
        #expect(text(decoded.content) == content)
        #expect(decoded.trailers == trailers)
        if input.hasSuffix("rest") { #expect(outcome == .head(decoded, rest: octets("rest"))) }
    }

    static let refused: [(String, WireError.Reason)] = [
        ("\r\n", .invalidChunkSize), ("+5\r\n", .invalidChunkSize), ("-5\r\n", .invalidChunkSize), (" 5\r\n", .invalidChunkSize),
        ("5 \r\n", .invalidChunkSize), ("5 ;a\r\n", .invalidChunkSize), ("0x5\r\n", .invalidChunkSize), ("5_0\r\n", .invalidChunkSize),
        ("g\r\n", .invalidChunkSize), ("5\u{0}\r\n", .invalidChunkSize), ("00000000000000005\r\n", .invalidChunkSize),
        ("10000000000000000\r\n", .invalidChunkSize), ("FFFFFFFFFFFFFFFF\r\n", .chunkTooLarge), ("8000000000000000\r\n", .chunkTooLarge),
        ("5\nhello\r\n", .invalidChunkLineEnd), ("5\r\r\n", .invalidChunkLineEnd), ("\r5\r\n", .invalidChunkLineEnd),
        ("\n", .invalidChunkLineEnd),
        ("5;\r\n", .invalidChunkExtension), ("5; a\r\n", .invalidChunkExtension), ("5;a =b\r\n", .invalidChunkExtension),
        ("5;a=\r\n", .invalidChunkExtension), ("5;a= b\r\n", .invalidChunkExtension), ("5;a=\"b\r\n", .invalidChunkExtension),
        ("5;a=\"b\\\r\n", .invalidChunkExtension), ("5;a=\"b\"c\r\n", .invalidChunkExtension), ("5;a\rb\r\n", .invalidChunkExtension),
        ("5;a=\"\u{0}\"\r\n", .invalidChunkExtension), ("5;a=\"\\\u{0}\"\r\n", .invalidChunkExtension), ("5;a;;b\r\n", .invalidChunkExtension),
        ("5;\u{E4}\r\n", .invalidChunkExtension),
        ("5\r\nhelloX\r\n", .invalidChunkEnd), ("5\r\nhello\n", .invalidChunkEnd), ("5\r\nhello\r0", .invalidChunkEnd),
        ("5\r\nhello0\r\n", .invalidChunkEnd),
        ("0\r\n\n", .bareLF), ("0\r\nX: a\n\r\n", .bareLF), ("0\r\n X: a\r\n\r\n", .spaceBeforeFirstField),
        ("0\r\nX: a\r\n b\r\n\r\n", .foldedLine),
        ("0\r\nX : a\r\n\r\n", .spaceInName), ("0\r\n: a\r\n\r\n", .emptyName), ("0\r\nX\r\n\r\n", .colonMissing),
        ("0\r\nX(: a\r\n\r\n", .invalidName), ("0\r\nX: \u{0}\r\n\r\n", .controlInValue), ("0\r\nX: a\rb\r\n\r\n", .bareCR),
    ]

    @Test("rule 16: chunk framing is exact", arguments: refused)
    func refuses(_ input: String, _ reason: WireError.Reason) {
        #expect(always(octets(input)) { body($0, $1) }?.reason == reason)
    }

    @Test(
        "rule 7: a trailer that frames, routes or authenticates is refused",
        arguments: [
            "Content-Length", "transfer-encoding", "HOST", "Authorization", "Cookie", "Set-Cookie", "Connection", "Trailer", "TE", "Upgrade",
            "Keep-Alive",
            "Proxy-Authorization", "Expect", "Content-Type", "Content-Encoding", "Cache-Control", "X-Forwarded-For", "Forwarded", "Range",
            "If-Match",
        ])
    func refusesTrailer(_ name: String) {
        #expect(always(octets("0\r\n\(name): 1\r\n\r\n")) { body($0, $1) }?.reason == .forbiddenTrailer)
    }

    static let limits = BodyLimits(trailerBytes: 16, trailerFields: 2, extensionBytes: 8)

    static let bounded: [(String, WireError.Reason?)] = [
        ("1;abcdefg\r\nx\r\n0\r\n\r\n", nil),
        ("1;abcdefgh\r\nx\r\n0\r\n\r\n", .chunkExtensionsTooLarge),
        ("1;abc\r\nx\r\n1;abc\r\nx\r\n0\r\n\r\n", nil),
        ("1;abc\r\nx\r\n1;abc\r\nx\r\n0;\r\n\r\n", .invalidChunkExtension),
        ("1;abc\r\nx\r\n1;abc\r\nx\r\n0;a\r\n\r\n", .chunkExtensionsTooLarge),
        ("1;abcdefghijklmnopqrstuvwxyz", .chunkExtensionsTooLarge),
        ("0\r\nA: 1234567890a\r\n\r\n", nil),
        ("0\r\nA: 1234567890ab\r\n\r\n", .trailersTooLarge),
        ("0\r\nA: 1234567890abcdefghijkl", .trailersTooLarge),
        ("0\r\na:\r\nb:\r\n\r\n", nil),
        ("0\r\na:\r\nb:\r\nc:\r\n\r\n", .tooManyTrailers),
    ]

    @Test("rule 16: extensions and trailers are bounded over the whole body, also while a line is incomplete", arguments: bounded)
    func bounds(_ input: String, _ reason: WireError.Reason?) throws {
        let outcome = try #require(always(octets(input)) { body($0, $1, limits: BodyDecoderTests.limits) })
        #expect(outcome.reason == reason)
        #expect((outcome.head == nil) == (reason != nil))
    }

    @Test("a length ends the content; the rest belongs to the next message")
    func lengths() throws {
        let outcome = try #require(always(octets("hello GET")) { body($0, $1, framing: .length(5)) })
        #expect(outcome == .head(PlainBody(content: octets("hello")), rest: octets(" GET")))
        #expect(body(octets("x"), framing: .none) == .head(PlainBody(), rest: octets("x")))
        #expect(body(octets("x"), framing: .length(0)) == .head(PlainBody(), rest: octets("x")))
        #expect(body(octets("hell"), framing: .length(5)) == .needMore)
    }

    @Test("a close ends what ends so, and cuts off everything else")
    func closes() throws {
        let outcome = try #require(always(octets("hello")) { body($0, $1, framing: .untilClose, closes: true) })
        #expect(outcome == .head(PlainBody(content: octets("hello")), rest: []))
        #expect(body([], framing: .untilClose, closes: true) == .head(PlainBody(), rest: []))
        for (text, framing) in [
            ("hell", BodyFraming.length(5)), ("5\r\nhe", .chunked), ("5\r\nhello", .chunked), ("5\r\nhello\r\n", .chunked),
            ("0\r\n", .chunked), ("", .chunked),
        ] {
            #expect(always(octets(text)) { body($0, $1, framing: framing, closes: true) }?.reason == .truncated)
        }
        #expect(body(octets("0\r\n\r\n"), closes: true) == .head(PlainBody(), rest: []))
    }

    @Test("a caller may take less than it was offered")
    func smallSteps() throws {
        let input = Buffer()
        input.append("5\r\nhello\r\n0\r\n\r\n")
        var decoder = BodyDecoder(.chunked)
        var content: [UInt8] = []
        while case .data = try decoder.next(input) {
            content.append(input[0])
            input.consume(1)
            decoder.took(1)
        }
        #expect(text(content) == "hello")
        #expect(decoder.isAtEnd)
    }
}
