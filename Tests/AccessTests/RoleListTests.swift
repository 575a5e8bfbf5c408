import Testing

@testable import Access

@Suite("Roles") struct RoleListTests {
    @Test(arguments: ["", "user", "admin,staff", "night staff,b", "é,e\u{301}", (0..<32).map(String.init).joined(separator: ",")])
    func taken(text: String) throws {
        try RoleList.check(bytes(text))
        #expect(try identity(role: text).role == bytes(text))
    }

    @Test(
        "rule 6: several roles have one form",
        arguments: [
            (",", .empty), ("a,", .empty), (",a", .empty), ("a,,b", .empty), ("a, b", .surroundingSpace), ("a ,b", .surroundingSpace),
            ("a,b\u{A0}", .surroundingSpace), ("a,b,a", .twice), ("a,b\nX-User-Id: 1", .controlCharacter),
            ((0..<33).map(String.init).joined(separator: ","), .tooMany(max: 32)),
            (String(repeating: "a", count: 256) + "," + String(repeating: "b", count: 256), .tooLong(max: 512)),
        ] as [(String, IdentityError.Fault)])
    func refused(text: String, fault: IdentityError.Fault) throws {
        #expect(throws: IdentityError(field: .role, fault: fault)) { try RoleList.check(bytes(text)) }
        #expect(throws: IdentityError.self) { try identity(role: text) }
        let key = try #require(SessionKey(octets: [UInt8](repeating: 7, count: 32)))
        let poisoned = SessionRecord(
            key: key, userID: try UserID("1"), username: bytes("a"), role: bytes(text), createdAt: 0, lastSeenAt: 0, expiresAt: 1,
            idleTimeout: 0)
        #expect(throws: StoreError.self) { try SessionRecord(encoded: poisoned.encoded, under: key) }
    }

    @Test(
        "members become the one form: empty ones and repetitions go, a comma inside of one is refused",
        arguments: [
            ([], ""), (["user"], "user"), (["admin", "", "staff", "admin"], "admin,staff"), (["a,b"], nil), ([" a"], nil), (["a\0"], nil),
        ] as [([String], String?)])
    func joined(members: [String], text: String?) throws {
        guard let text else {
            #expect(throws: IdentityError.self) { try RoleList.text(of: members.map(bytes)) }
            return
        }
        #expect(try RoleList.text(of: members.map(bytes)) == bytes(text))
    }
}
