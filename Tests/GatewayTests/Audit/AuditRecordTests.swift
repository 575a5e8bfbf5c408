import Access
import Testing
import Wire

@testable import Gateway

private func line(_ event: AuditEvent, by actor: AuditActor = .person(.init(uid: 0, login: nil))) -> String {
    String(decoding: AuditLog.line(event, at: 1_785_414_896_789, by: actor), as: UTF8.self)
}

@Suite("AuditRecord")
struct AuditRecordTests {
    @Test("A request's line: every member, in its place")
    func request() throws {
        let key = try #require(SessionKey(text: "oLw3b1dPq0mC2hYx" + String(repeating: "A", count: 27)))
        let identity = try Identity(
            userID: UserID("101"), username: bytes("alice"), role: bytes("user"), method: .session(key), expiresAt: 0)
        let client = AuditActor.Client(
            address: IPAddress(v4: 0xC000_0201), requestID: RequestID(high: 1, low: 0xff), traceID: TraceID(high: 0xa, low: 0xb),
            route: bytes("/admin/"))
        #expect(
            line(AuditEvent(.accessRefused, .refused, .roleNotAllowed, of: identity), by: .client(client))
                == #"{"audit":1,"time":"2026-07-30T12:34:56.789Z","event":"access_refused","outcome":"refused","reason":"role_not_allowed","#
                + #""user_id":"101","username":"alice","role":"user","client":"192.0.2.1","request_id":"000000000000000100000000000000ff","#
                + #""trace_id":"000000000000000a000000000000000b","route":"/admin/","session":"oLw3b1dPq0mC2hYx","token":null,"#
                + #""ended":null,"actor":null}"# + "\n")
    }

    @Test("A command's line says who ran it, and has the same members")
    func command() throws {
        let user = UserRecord(id: try UserID("7"), username: "bob", passwordHash: "$2b$secret", role: "", isDisabled: true)
        var event = AuditEvent(.sessionRevoked, .ok, .byOperator, of: user)
        event.ended = 3
        let written = line(event, by: .person(.init(uid: 1_000, login: bytes("root\"\n"))))
        #expect(
            written
                == #"{"audit":1,"time":"2026-07-30T12:34:56.789Z","event":"session_revoked","outcome":"ok","reason":"by_operator","#
                + #""user_id":"7","username":"bob","role":null,"client":null,"request_id":null,"trace_id":null,"route":null,"#
                + #""session":null,"token":null,"ended":3,"actor":{"uid":1000,"login":"root\"\u000a"}}"# + "\n")
    }

    @Test("No text ends its line or makes it long, whatever a store or a token holds", arguments: ["\n", "\"}", "\\", "\u{0}", "é"])
    func escaped(_ piece: String) throws {
        var event = AuditEvent(.signIn, .failed, .wrongPassword)
        let long = bytes(String(repeating: piece, count: 5_000))
        event.userID = long
        event.username = long
        event.role = long
        event.session = long
        event.token = long
        let written = AuditLog.line(event, at: 0, by: .person(.init(uid: .max, login: long)))
        #expect(written.filter { $0 == 0x0A }.count == 1 && written.last == 0x0A)
        #expect(written.count < 20_000)
        #expect(try JSON.parse(Array(written.dropLast()))["event"] == .string(bytes("sign_in")))
    }

    @Test("What the token is called, and no part of it that opens anything")
    func token() throws {
        let identity = try Identity(
            userID: UserID("101"), username: [], role: [], method: .token(jti: bytes("3Q2-7w")), expiresAt: 0)
        let event = AuditEvent(.signIn, .ok, of: identity)
        #expect(event.token == bytes("3Q2-7w") && event.session == nil && event.username == nil && event.role == nil)
    }

    @Test("A full log still takes audit lines, as far as the room set aside for them goes; what is lost is counted and said")
    func reserve() throws {
        let pipe = TestPipe(capacity: 4_096)
        let reports = Reports()
        let lines = try LineLog(name: "the log", descriptor: pipe.writeEnd, capacity: 10_000, reserve: 2_000) { _ in }
        let audit = AuditLog(lines) { reports.add($0) }
        let access = [UInt8](repeating: 0x61, count: 499) + [0x0A]
        for _ in 0..<100 { lines.submit(access, count: 1) }
        #expect(lines.dropped(.access) > 0 && lines.dropped(.audit) == 0)
        let event = AuditEvent(.signIn, .failed, .unknownUser)
        audit.record(event, at: 0, by: .person(.init(uid: 0, login: nil)))
        #expect(audit.dropped == 0)
        for _ in 0..<100 { audit.record(event, at: 0, by: .person(.init(uid: 0, login: nil))) }
        #expect(audit.dropped > 0 && reports.all.count == Int(audit.dropped))
        _ = pipe.read(64_000)
        #expect(lines.close())
    }
}
