import Testing

@testable import Access

@Suite struct IdentityTests {
    @Test(
        "rule 6: a value that could end, split or start a header line is refused",
        arguments: [
            ("a\r\nX-Role: admin", .controlCharacter), ("a\rb", .controlCharacter), ("a\nb", .controlCharacter),
            ("a\0b", .controlCharacter), ("a\tb", .controlCharacter), ("a\u{7F}", .controlCharacter),
            ("a\u{85}b", .controlCharacter), ("a\u{9F}b", .controlCharacter), ("a\u{2028}b", .controlCharacter),
            ("a\u{202E}b", .controlCharacter), ("user,admin", .separator), (" a", .surroundingSpace),
            ("a ", .surroundingSpace), ("\u{A0}a", .surroundingSpace), ("a\u{3000}", .surroundingSpace),
            ("\u{FEFF}a", .surroundingSpace), ("", .empty), (String(repeating: "a", count: 513), .tooLong(max: 512)),
            (String(repeating: "é", count: 257), .tooLong(max: 512)),
        ] as [(String, IdentityError.Fault)])
    func refused(value: String, fault: IdentityError.Fault) {
        #expect(throws: IdentityError(field: .role, fault: fault)) { try IdentityValue.check(bytes(value), .role) }
    }

    @Test(
        "rule 6: octets that are not UTF-8 are refused",
        arguments: [[0x61, 0x80], [0xC0, 0x8A], [0xED, 0xA0, 0x80], [0xFF], [0xE2, 0x82]] as [[UInt8]])
    func notUTF8(value: [UInt8]) {
        #expect(throws: IdentityError(field: .username, fault: .notUTF8)) { try IdentityValue.check(value, .username) }
    }

    @Test(arguments: ["alice", "Alice Liddell", "a@b@c", "Zoë", "李", "o'hara;x=1", String(repeating: "a", count: 512)])
    func taken(value: String) throws {
        try IdentityValue.check(bytes(value), .username)
        let made = try Identity(
            userID: UserID("1"), username: bytes(value), role: bytes(value), method: .token(jti: []), expiresAt: 0)
        #expect(made.username == bytes(value) && made.role == bytes(value))
    }

    @Test("rule 6: no identity is made with such a name or role, whatever it comes from")
    func identityRefuses() throws {
        let id = try UserID("1")
        #expect(throws: IdentityError.self) {
            try Identity(userID: id, username: bytes("a\nb"), role: [], method: .token(jti: []), expiresAt: 0)
        }
        #expect(throws: IdentityError.self) {
            try Identity(userID: id, username: [], role: bytes("a\nb"), method: .token(jti: []), expiresAt: 0)
        }
        let key = try #require(SessionKey(octets: [UInt8](repeating: 7, count: 32)))
        let poisoned = SessionRecord(
            key: key, userID: id, username: bytes("a"), role: bytes("x\r\nX-User-Id: 1"), createdAt: 0, lastSeenAt: 0,
            expiresAt: 1, idleTimeout: 0)
        #expect(throws: IdentityError.self) { try Identity(session: poisoned) }
    }

    @Test func identityOfASession() throws {
        let key = try #require(SessionKey(octets: Array(0..<32)))
        let record = SessionRecord(
            key: key, userID: try UserID("101"), username: bytes("alice"), role: bytes("user"), createdAt: 1,
            lastSeenAt: 2, expiresAt: 3, idleTimeout: 0)
        let made = try Identity(session: record)
        #expect(made.method == .session(key))
        #expect(made.expiresAt == 3 && made.userID.text == "101" && made.username == bytes("alice"))
    }

    @Test(
        "rule 6: a user id is printable ASCII without space and comma",
        arguments: [
            ("", .empty), ("1 2", .notPrintableASCII), ("1\n", .notPrintableASCII), ("é", .notPrintableASCII),
            ("\u{7F}", .notPrintableASCII), ("1,2", .separator), (String(repeating: "1", count: 129), .tooLong(max: 128)),
        ] as [(String, IdentityError.Fault)])
    func userID(text: String, fault: IdentityError.Fault) {
        #expect(throws: IdentityError(field: .userID, fault: fault)) { try UserID(text) }
    }

    @Test(arguments: ["101", "a:b/c", String(repeating: "1", count: 128)])
    func userIDTaken(text: String) throws { #expect(try UserID(text).text == text) }

    @Test(
        "rule 35: a name that a later step could fold or trim into another is not canonical",
        arguments: ["", " alice", "alice ", "alice\u{A0}", "al\0ice", "alice\n", "a,b", String(repeating: "a", count: 129)])
    func userName(text: String) {
        #expect(throws: IdentityError.self) { try UserName(text) }
    }

    @Test("rule 6: the canonical name is the octets: case and Unicode forms stay different people")
    func userNameOctets() throws {
        #expect(try UserName("Alice") != UserName("alice"))
        // One letter, or a letter and an accent: equal as String, and two rows in the users table.
        let composed = "é", decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(try UserName(composed) != UserName(decomposed))
        #expect(try user(composed) != user(decomposed))
        #expect(try UserName(String(repeating: "a", count: 128)).bytes.count == 128)
    }

    @Test(
        "rule 6: a name that is case-folded has one form, made once: A to Z are a to z, and nothing else changes",
        arguments: [
            ("Alice", "alice"), ("ALICE@Example.COM", "alice@example.com"), ("élan", "élan"), ("ÉLAN", "Élan"), ("\u{212A}", "\u{212A}"),
            ("İ", "İ"), ("[\\]^_@Z", "[\\]^_@z"),
        ])
    func userNameFolded(presented: String, canonical: String) throws {
        #expect(try UserName(presented, .caseFolded).bytes == bytes(canonical))
        #expect(try UserName(canonical, .caseFolded).bytes == bytes(canonical))
        #expect(try UserName(presented).bytes == bytes(presented))
    }
}
