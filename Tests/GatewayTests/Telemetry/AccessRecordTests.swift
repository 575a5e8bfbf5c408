import Access
import Testing
import Wire

@testable import Gateway

private func record(
    _ head: RequestHead = telemetryHead(
        "POST /profile/x?secret=1 HTTP/1.1\r\nHost: a.example:8080\r\nCookie: session_id=SESS_x\r\n"
            + "Authorization: Bearer eyJ.a.b\r\n\r\n"),
    route: String? = "/profile/", userID: String? = "101", auth: StaticString = "session", status: Int = 200,
    duration: UInt64 = 12_345_678, upstream: String? = "127.0.0.1:9001", upstreamTime: UInt64 = 9_876_543, note: String? = nil
) -> AccessRecord {
    AccessRecord(
        head: head, requestID: RequestID(high: 0x0123_4567_89ab_cdef, low: 0xff), traceID: TraceID(high: 0xa, low: 0xb),
        time: Timestamp(milliseconds: 1_785_414_896_789), client: IPAddress(v4: 0xC000_0201), route: route.map { Array($0.utf8) },
        userID: userID.map { Array($0.utf8) },
        auth: auth,
        status: status, duration: duration, upstream: upstream.map { Array($0.utf8) }, upstreamTime: upstreamTime,
        contentReceived: 7, contentSent: 18_446_744_073_709_551_615, note: note)
}

private func text(_ record: borrowing AccessRecord, _ format: AccessLog.Format) -> String {
    var lines: [UInt8] = []
    record.append(to: &lines, as: format)
    return String(decoding: lines, as: UTF8.self)
}

/// Strings that would end a line, a field or a JSON string, if they could.
private let nasty = [
    "\n", "\r\n{\"status\":1}", "\"", "\\", "\\\"", "\u{0}", "\u{1b}[31m", "\u{7f}", "\u{2028}", "é", "a\"}\n{\"user_id\":\"0\"",
    "\u{202e}",
]

@Suite("AccessRecord")
struct AccessRecordTests {
    @Test("Every field of a JSON line")
    func wholeJSON() {
        #expect(
            text(record(note: "all is well"), .json)
                == #"{"time":"2026-07-30T12:34:56.789Z","request_id":"0123456789abcdef00000000000000ff","#
                + #""trace_id":"000000000000000a000000000000000b","client":"192.0.2.1","method":"POST","#
                + #""host":"a.example:8080","path":"/profile/x","route":"/profile/","user_id":"101","auth":"session","status":200,"#
                + #""duration_ms":12.345,"upstream":"127.0.0.1:9001","upstream_ms":9.876,"bytes_in":7,"bytes_out":18446744073709551615,"#
                + #""note":"all is well"}"# + "\n")
    }

    @Test("What is not known is null, and the members stay")
    func emptyJSON() {
        let line = text(
            record(RequestHead(), route: nil, userID: nil, auth: "none", status: 400, duration: 999, upstream: nil, upstreamTime: 5),
            .json)
        #expect(
            line
                == #"{"time":"2026-07-30T12:34:56.789Z","request_id":"0123456789abcdef00000000000000ff","#
                + #""trace_id":"000000000000000a000000000000000b","client":"192.0.2.1","method":null,"#
                + #""host":null,"path":null,"route":null,"user_id":null,"auth":"none","status":400,"duration_ms":0.000,"upstream":null,"#
                + #""upstream_ms":null,"bytes_in":7,"bytes_out":18446744073709551615,"note":null}"# + "\n")
    }

    @Test("Every field of a text line, and of one that knows nothing")
    func wholeText() {
        #expect(
            text(record(note: "a \"b\""), .text)
                == #"192.0.2.1 - 101 [2026-07-30T12:34:56.789Z] "POST /profile/x HTTP/1.1" 200 18446744073709551615 12.345 "#
                + #"0123456789abcdef00000000000000ff "a.example:8080" "/profile/" session 127.0.0.1:9001 9.876 7 "a \x22b\x22" 000000000000000a000000000000000b"#
                + "\n")
        #expect(
            text(record(RequestHead(), route: nil, userID: nil, auth: "none", status: 0, duration: 0, upstream: nil), .text)
                == #"192.0.2.1 - - [2026-07-30T12:34:56.789Z] "- - HTTP/1.1" 0 18446744073709551615 0.000 "#
                + #"0123456789abcdef00000000000000ff "-" "-" none - - 7 "-" 000000000000000a000000000000000b"# + "\n")
    }

    @Test("rule 45: no cookie, no Authorization and no query is in the log", arguments: [AccessLog.Format.json, .text])
    func secrets(format: AccessLog.Format) {
        let line = text(record(), format)
        for secret in ["SESS_", "eyJ", "Bearer", "secret"] { #expect(!line.contains(secret)) }
    }

    @Test("rule 46: no value ends its line or its string, in JSON", arguments: nasty)
    func injectionJSON(value: String) throws {
        let line = text(record(route: value, userID: value, upstream: value, note: value), .json)
        #expect(line.utf8.count { $0 == 0x0A } == 1 && line.utf8.last == 0x0A)
        #expect(line.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
        let object = try JSON.parse(Array(line.utf8.dropLast()), maxDepth: 2)
        for name in ["route", "user_id", "upstream", "note"] as [StaticString] {
            #expect(object[name] == .string(Array(value.utf8)))
        }
        #expect(object["status"] == .integer(200))
    }

    @Test("rule 46: no value ends its line or its field, in text", arguments: nasty)
    func injectionText(value: String) {
        let line = text(record(route: value, userID: value, upstream: value, note: value), .text)
        let plain = text(record(route: "r", userID: "u", upstream: "s", note: "n"), .text)
        #expect(line.utf8.count { $0 == 0x0A } == 1 && line.utf8.last == 0x0A)
        #expect(line.utf8.dropLast().allSatisfy { 0x20...0x7E ~= $0 })
        #expect(line.utf8.count { $0 == UInt8(ascii: "\"") } == plain.utf8.count { $0 == UInt8(ascii: "\"") })
    }

    @Test("rule 46: octets that are not UTF-8 do not make the line something else than UTF-8")
    func notUTF8() throws {
        var line = record()
        let octets: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0x80]
        line = AccessRecord(
            head: line.head, requestID: line.requestID, traceID: line.traceID, time: Timestamp(milliseconds: 0), client: line.client,
            route: nil, userID: octets,
            auth: "none",
            status: 200, duration: 0, upstream: nil, upstreamTime: 0, contentReceived: 0, contentSent: 0, note: nil)
        var written: [UInt8] = []
        line.append(to: &written, as: .json)
        #expect(String(validating: written, as: UTF8.self) != nil)
        #expect(try JSON.parse(Array(written.dropLast()), maxDepth: 2)["user_id"] == .string(Array("a\u{fffd}\u{fffd}(\u{fffd}".utf8)))
    }

    @Test("A client cannot make a line as long as it likes")
    func longest() {
        let long = String(repeating: "a", count: 7_000)
        let head = telemetryHead("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(head.path.count == 7_001)
        for format in [AccessLog.Format.json, .text] { #expect(text(record(head, note: long), format).utf8.count < 3_500) }
    }

    @Test("The room measured for a line is enough when every octet has to be escaped", arguments: [AccessLog.Format.json, .text])
    func room(format: AccessLog.Format) throws {
        let worst = String(repeating: "\u{1}", count: 3_000)
        let some = record(route: worst, userID: worst, upstream: worst, note: worst)
        let line = AccessRecord(
            head: some.head, requestID: some.requestID, traceID: some.traceID, time: some.time, client: IPAddress(high: .max, low: .max),
            route: some.route,
            userID: some.userID, auth: "session", status: .max, duration: .max, upstream: some.upstream, upstreamTime: .max,
            contentReceived: .max, contentSent: .max, note: worst)
        let written = text(line, format)
        #expect(written.hasSuffix("\"}\n") || written.hasSuffix("\" 000000000000000a000000000000000b\n"))
        #expect(written.contains("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
        if format == .json {
            let object = try JSON.parse(Array(written.utf8.dropLast()))
            for name in ["route", "user_id", "upstream"] as [StaticString] { #expect(object[name] == .string(Array(worst.utf8))) }
            #expect(object["note"] == .string(Array(worst.utf8.prefix(AccessRecord.longestNote))))
        } else {
            #expect(written.utf8.count > (3 * 3_000 + AccessRecord.longestNote) * 4)
        }
    }

    @Test(
        "Times are RFC 3339, in UTC, to the millisecond",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-5, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (999, "1970-01-01T00:00:00.999Z"), (1_000, "1970-01-01T00:00:01.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_798_761_599_010, "2026-12-31T23:59:59.010Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (Int64.max, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func timestamps(milliseconds: Int64, expected: String) {
        let out = Buffer()
        Timestamp.append(milliseconds: milliseconds, .milliseconds, to: out)
        #expect(out.array(ByteRange(offset: 0, count: out.count)) == Array(expected.utf8))
        out.removeAll()
        Timestamp.append(milliseconds: milliseconds, .seconds, to: out)
        #expect(out.array(ByteRange(offset: 0, count: out.count)) == Array(expected.utf8.prefix(19)) + [UInt8(ascii: "Z")])
    }
}
