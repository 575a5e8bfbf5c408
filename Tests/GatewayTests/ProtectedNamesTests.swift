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
        return names.contains(buffer, ByteRange(offset: 2, count: name.utf8.count))
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
}
