import Gateway
import Glibc
import Loop
import Testing
import Wire

@testable import Profile

private func head(_ method: String, _ target: String, _ fields: [String]) throws -> RequestHead {
    let input = Buffer()
    input.append(text: "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\(fields.map { $0 + "\r\n" }.joined())\r\n")
    let head = RequestHead()
    var parser = RequestParser(limits: HeadLimits())
    try #require(try parser.parse(input, into: head))
    return head
}

@Suite("ProfileHandler")
struct ProfileHandlerTests {
    private func ask(_ method: String, _ target: String, _ fields: [String] = []) async throws -> (status: Int, body: String) {
        let database = try ProfileDatabase(path: nil)
        try database.add(.alice)
        try database.add(Profile(userID: "102", displayName: "B \"ob\"\n", email: "b@example.com", bio: ""))
        let pool = try BlockingPool(name: "test", threads: 1, queue: 10)
        defer { pool.close() }
        let handler = ProfileHandler(database: database, pool: pool)
        let request = try head(method, target, fields)
        do throws(Problem) {
            let answer = try await handler.answer(to: request)
            return (answer.status, String(decoding: answer.body, as: UTF8.self))
        } catch {
            return (error.status, error.detail)
        }
    }

    @Test("The profile of the user whom the gateway names, with what it says of that user")
    func profile() async throws {
        let full = try await ask("GET", "/profile", ["X-User-Id: 101", "x-user-name: alice", "X-USER-ROLE: user"])
        #expect(full.status == 200)
        #expect(
            full.body
                == #"{"user_id":"101","username":"alice","role":"user","display_name":"Alice Example","#
                + #""email":"alice@example.com","bio":"Was here before the gateway."}"# + "\n")
        let bare = try await ask("GET", "/profile", ["X-User-Id: 102"])
        #expect(bare.body == #"{"user_id":"102","display_name":"B \"ob\"\u000a","email":"b@example.com","bio":""}"# + "\n")
        #expect(try JSON.parse(Array(bare.body.utf8.dropLast()))["display_name"] == .string(Array("B \"ob\"\n".utf8)))
    }

    @Test(
        "What is refused, and as what",
        arguments: [
            ("GET", "/profile", [], 400), ("GET", "/profile", ["X-User-Id: 101", "x-user-id: 101"], 400),
            ("GET", "/profile", ["X-User-Id:"], 400), ("GET", "/profile", ["X-User-Id: a b"], 400),
            ("GET", "/profile", ["X-User-Id: " + String(repeating: "1", count: 129)], 400),
            ("GET", "/profile", ["X_User_Id: 101"], 400), ("GET", "/profile", ["X-User-Id: 103"], 404),
            ("GET", "/profile", ["X-User-Id: 1' OR '1'='1"], 400), ("GET", "/profile", ["X-User-Id: 1'OR'1'='1"], 404),
            ("POST", "/profile", ["X-User-Id: 101", "Content-Length: 0"], 405), ("DELETE", "/public/hello", [], 405),
            ("GET", "/", [], 404), ("GET", "/profile/", ["X-User-Id: 101"], 404), ("GET", "/public", [], 404),
            ("HEAD", "/profile", ["X-User-Id: 101"], 200), ("GET", "/public/hello", [], 200), ("GET", "/public/a/b", [], 200),
        ] as [(String, String, [String], Int)])
    func refused(method: String, target: String, fields: [String], status: Int) async throws {
        #expect(try await ask(method, target, fields).status == status)
    }

    @Test("A table in a file outlives its process, and adding a profile again changes nothing")
    func file() throws {
        let path = "/tmp/gatehouse-profiles-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).db"
        defer { unsafe unlink(path) }
        try ProfileDatabase(path: path).add(.alice)
        let again = try ProfileDatabase(path: path)
        try again.add(Profile(userID: "101", displayName: "Mallory", email: "", bio: ""))
        #expect(try again.find(userID: "101") == .alice)
        #expect(try again.find(userID: "1") == nil)
        #expect(throws: ProfileDatabase.Fault.self) { try ProfileDatabase(path: "/nonexistent/profiles.db") }
    }
}
