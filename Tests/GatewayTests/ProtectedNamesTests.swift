import Testing
import Wire

@testable import Gateway

@Suite("ProtectedNames")
struct ProtectedNamesTests {
    private static let names = ProtectedNames(["X-User-Id", "X-User-Name", "X-Forwarded-For", "Forwarded"].map { Array($0.utf8) })

    private static func contains(_ name: String) -> Bool {
        let buffer = Buffer()
        buffer.append("??")
        buffer.append(text: name)
        return names.contains(buffer.octets, ByteRange(offset: 2, count: name.utf8.count))
    }

    @Test(
        "rule 2: a protected name is known however it is spelt",
        arguments: [
            "X-User-Id", "x-user-id", "X-USER-ID", "x-UsEr-iD", "X_User_Id", "X-User_Id", "X.User.Id", "xuserid", "XUserId", "X-UserId",
            "XUser-Id",
            "X--User--Id", "X__USER__ID", "-X-User-Id", "X-User-Id-", "_x_user_id_", "X~User~Id", "X!User!Id", "X'User'Id", "X*User*Id",
            "X+User+Id",
            "X^User^Id", "X`User`Id", "X|User|Id", "X#User#Id", "X$User$Id", "X%User%Id", "X&User&Id", "x-User.id", "X-User_Name",
            "x.forwarded.for",
            "X_FORWARDED_FOR", "For_Warded",
        ])
    func spellings(_ name: String) { #expect(Self.contains(name)) }

    @Test(
        "Another name is another name",
        arguments: [
            "X-User-Ids", "X-User", "User-Id", "XX-User-Id", "X-User-Id2", "Y-User-Id", "X-Uzer-Id", "", "-", "X-Forwarded", "Forwarded-For",
            "Id-User-X",
        ])
    func nearMisses(_ name: String) { #expect(!Self.contains(name)) }

    /// With what stands for itself only: letters and digits, in lower case.
    private static func folded(_ name: [UInt8]) -> [UInt8] {
        name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }.filter { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }

    @Test(
        "Any octet in or before any place of a name: it is protected when its folding is",
        arguments: ["X-User-Id", "Forwarded", "a", "--", "7"])
    func everyOctet(_ text: String) {
        let list = ["X-User-Id", "Forwarded", "a", "7x"].map { Array($0.utf8) }
        let names = ProtectedNames(list)
        let known = Set(list.map(Self.folded))
        let name = Array(text.utf8)
        for place in name.indices {
            for octet in UInt8.min...UInt8.max {
                var replaced = name
                replaced[place] = octet
                var inserted = name
                inserted.insert(octet, at: place)
                for other in [replaced, inserted, inserted + [0x2D, octet]] {
                    let found = names.contains(other.span, ByteRange(offset: 0, count: other.count))
                    #expect(found == known.contains(Self.folded(other)), "\(other)")
                }
            }
        }
    }
}
