import Secrets
import Testing
import Wire

@testable import Access

@Suite struct SessionTests {
    private func record(
        username: String = "alice", role: String = "user", createdAt: Int64 = noon, lastSeenAt: Int64 = noon,
        expiresAt: Int64 = noon + 1000, idleTimeout: Int64 = 100
    ) throws -> SessionRecord {
        SessionRecord(
            key: try #require(SessionKey(octets: Array(1...32))), userID: try UserID("101"), username: bytes(username),
            role: bytes(role), createdAt: createdAt, lastSeenAt: lastSeenAt, expiresAt: expiresAt,
            idleTimeout: idleTimeout)
    }

    // MARK: Ids and keys

    @Test("rule 38: an id has 32 random octets, and two are never the same")
    func random() throws {
        let ids = try (0..<100).map { _ in try SessionID.random() }
        #expect(Set(ids.map(\.text)).count == 100)
        for id in ids {
            #expect(id.text.starts(with: bytes("SESS_")) && id.text.count == 48)
            #expect(Base64URL.decode(Array(id.text.dropFirst(5)))?.count == 32)
            #expect(SessionID.key(ofPresented: id.text.octets) == id.key)
        }
    }

    @Test(
        "rule 39: a cookie that has not exactly the form of an id never reaches a store",
        arguments: [
            "", "SESS_", "sess_" + String(repeating: "A", count: 43), "SESS_" + String(repeating: "A", count: 42),
            "SESS_" + String(repeating: "A", count: 44), "SESS_" + String(repeating: "A", count: 42) + "=",
            "SESS_" + String(repeating: "A", count: 42) + "*", "SESS_" + String(repeating: "A", count: 42) + "+",
            " SESS_" + String(repeating: "A", count: 42), "SESS_" + String(repeating: "A", count: 41) + "é",
            "SESS-" + String(repeating: "A", count: 43), "\"SESS_" + String(repeating: "A", count: 41) + "\"",
        ])
    func notAnID(text: String) { #expect(SessionID.key(ofPresented: bytes(text).octets) == nil) }

    @Test("rule 39: of every octet at every place of an id, the form takes the 64 characters and the prefix, and no other")
    func everyOctet() throws {
        let good = try SessionID.random().text
        for place in good.indices {
            for octet in UInt8.min...UInt8.max {
                var text = good
                text[place] = octet
                let isTaken = place < 5 ? octet == good[place] : SessionID.isBase64URL(octet)
                #expect((SessionID.key(ofPresented: text.octets) != nil) == isTaken, "\(octet) at \(place)")
            }
        }
    }

    @Test("rule 41: a store sees the SHA-256 of the whole id, and nothing that opens a session")
    func key() throws {
        let id = try SessionID.random()
        #expect(id.key.octets == SHA256Digest(of: id.text).bytes)
        #expect(id.key.text.utf8.count == 43 && id.key.handle.utf8.count == 16)
        #expect(id.key.text.hasPrefix(id.key.handle))
        let output = Buffer()
        id.key.append(to: output)
        #expect(output.readable.array == bytes(id.key.text) && output.count == SessionKey.textLength)
        #expect(SessionKey(text: id.key.text) == id.key && SessionKey(octets: id.key.octets) == id.key)
        #expect(SessionID.key(ofPresented: bytes(id.key.text).octets) == nil)
    }

    @Test(arguments: ["", "AAAA", String(repeating: "A", count: 42), String(repeating: "A", count: 42) + "*"])
    func notAKey(text: String) { #expect(SessionKey(text: text) == nil) }

    @Test("rule 45: a session id that is printed by mistake shows nothing")
    func printing() throws {
        let id = try SessionID.random()
        let secret = String(decoding: id.text.dropFirst(5), as: UTF8.self)
        var dumped = ""
        dump(id, to: &dumped)
        for text in ["\(id)", String(reflecting: id), dumped, "\([id])"] { #expect(!text.contains(secret)) }
    }

    // MARK: Life

    @Test(
        arguments: [
            (0, true), (99, true), (100, false), (5000, false), (-3_600_000, true),
        ] as [(Int64, Bool)])
    func idle(after: Int64, live: Bool) throws { #expect(try record().isLive(at: noon + after) == live) }

    @Test(arguments: [(999, true), (1000, false)] as [(Int64, Bool)])
    func absolute(after: Int64, live: Bool) throws {
        #expect(try record(lastSeenAt: noon + after, idleTimeout: 100).isLive(at: noon + after) == live)
        #expect(try record(idleTimeout: 0).isLive(at: noon + after) == live)
    }

    @Test func anyTimesAreLivable() throws {
        #expect(try record(lastSeenAt: .max, idleTimeout: .max).isLive(at: noon))
        #expect(try !record(lastSeenAt: .min, idleTimeout: 1).isLive(at: noon))
    }

    @Test("rule 38: every sign-in has a new id, and the one that the client had is to be removed")
    func start() throws {
        let policy = SessionPolicy(lifetime: 43_200_000, idleTimeout: 1_800_000)
        let old = try SessionID.random()
        let first = try policy.start(for: user(), replacing: old.key, now: noon)
        let second = try policy.start(for: user(), replacing: nil, now: noon)
        #expect(first.id != old && first.id != second.id && first.record.key == first.id.key)
        #expect(first.replaces == old.key && second.replaces == nil)
        #expect(first.record.createdAt == noon && first.record.lastSeenAt == noon)
        #expect(first.record.expiresAt == noon + 43_200_000 && first.record.idleTimeout == 1_800_000)
        #expect(first.record.username == bytes("alice") && first.record.role == bytes("user"))
    }

    @Test("rule 6: a user whose name or role cannot be injected gets no session", arguments: ["a\nb", "a,,b", " a"])
    func startRefuses(value: String) throws {
        let policy = SessionPolicy(lifetime: 1000, idleTimeout: 0)
        #expect(throws: SessionStartError.self) { try policy.start(for: user(value), replacing: nil, now: noon) }
        #expect(throws: SessionStartError.self) { try policy.start(for: user(role: value), replacing: nil, now: noon) }
    }

    @Test(
        arguments: [
            // idle time-out, age, touch?
            (1_800_000, 60_000, false), (1_800_000, 60_001, true), (100_000, 10_000, false), (100_000, 10_001, true),
            (0, 1_000_000, false), (1_800_000, -5000, false),
        ] as [(Int64, Int64, Bool)])
    func touch(idle: Int64, age: Int64, expected: Bool) throws {
        let session = try record(expiresAt: noon + 43_200_000, idleTimeout: idle)
        #expect(session.times.isTouchDue(at: noon + age) == expected)
    }

    // MARK: As a row

    @Test(arguments: ["user", "", #"a"b\c"#, "Zoë"])
    func row(role: String) throws {
        let session = try record(role: role)
        let again = try SessionRecord(
            sessionID: session.key.text, userID: "101", username: "alice", data: session.data, createdAt: noon,
            lastSeenAt: noon, idleTimeout: 100, expiresAt: noon + 1000)
        #expect(again == session)
    }

    @Test func dataColumn() throws { #expect(try record().data == #"{"role":"user"}"#) }

    @Test(
        "rule 41: a row that is not what is written there is corrupt",
        arguments: [
            ("x", "101", "alice", #"{"role":"user"}"#, 0), (nil, "1 1", "alice", #"{"role":"user"}"#, 0),
            (nil, "101", "al\r\nice", #"{"role":"user"}"#, 0), (nil, "101", "", #"{"role":"user"}"#, 0),
            (nil, "101", "alice", #"{"role":"a\nb"}"#, 0), (nil, "101", "alice", #"{"role":1}"#, 0),
            (nil, "101", "alice", "{}", 0), (nil, "101", "alice", "", 0), (nil, "101", "alice", #"["role"]"#, 0),
            (nil, "101", "alice", #"{"role":"a","role":"b"}"#, 0), (nil, "101", "alice", #"{"role":"user"}"#, -1),
            (nil, "101", "alice", #"{"role":"user"}"#, Int64.max),
            (nil, "101", "alice", #"{"role":"user","x":""# + String(repeating: "a", count: 4096) + #""}"#, 0),
        ] as [(String?, String, String, String, Int64)])
    func corruptRow(key: String?, userID: String, username: String, data: String, seen: Int64) throws {
        let text = try key ?? record().key.text
        let error = #expect(throws: StoreError.self) {
            try SessionRecord(
                sessionID: text, userID: userID, username: username, data: data, createdAt: noon, lastSeenAt: seen,
                idleTimeout: 0, expiresAt: noon)
        }
        guard case .corrupt = error else { Issue.record("\(String(describing: error))"); return }
    }

    // MARK: As one value

    @Test func encoding() throws {
        for session in [
            try record(), try record(role: ""),
            try record(username: String(repeating: "a", count: 128), role: String(repeating: "b", count: 512)),
        ] {
            #expect(session.encoded.count <= SessionRecord.maxEncoded)
            #expect(try SessionRecord(encoded: session.encoded, under: session.key) == session)
        }
    }

    @Test("rule 41: a record that was copied to another key is not believed there")
    func boundToItsKey() throws {
        let session = try record()
        let other = try #require(SessionKey(octets: Array(2...33)))
        #expect(throws: StoreError.self) { try SessionRecord(encoded: session.encoded, under: other) }
    }

    @Test("rule 41: a record of another version, cut off, or with more behind it is corrupt")
    func corruptRecord() throws {
        let session = try record()
        let whole = session.encoded
        for end in whole.indices {
            #expect(throws: StoreError.self) { try SessionRecord(encoded: Array(whole[..<end]), under: session.key) }
        }
        #expect(throws: StoreError.self) { try SessionRecord(encoded: whole + [0], under: session.key) }
        var version = whole
        version[3] = 2
        #expect(throws: StoreError.self) { try SessionRecord(encoded: version, under: session.key) }
    }

    @Test("rule 41: a poisoned record yields no header injection")
    func poisonedRecord() throws {
        let poisoned = try record(role: "user\r\nX-User-Role: admin")
        #expect(throws: StoreError.self) { try SessionRecord(encoded: poisoned.encoded, under: poisoned.key) }
    }

    @Test("rule 41: whatever a store answers, decoding gives a sound record or an error", arguments: 0..<20)
    func mutated(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let session = try record()
        for _ in 0..<500 {
            var octets = session.encoded
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                octets[Int.random(in: 0..<octets.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let read = try? SessionRecord(encoded: octets, under: session.key) else { continue }
            #expect(read.key == session.key)
            _ = try Identity(session: read)
            _ = read.isLive(at: noon)
        }
    }
}
