import Access
import Testing

@testable import Gateway

@Suite("SignInRequest")
struct SignInRequestTests {
    @Test("JSON, strictly; unknown members are passed over")
    func json() throws {
        let request = try SignInRequest(bytes(#"{"extra":[1],"password":"p\u0041","username":"al"}"#), .json)
        #expect(request.username == bytes("al"))
        #expect(request.password == bytes("pA"))
        #expect(request.returnTo == bytes("/"))
    }

    @Test(
        "What is no sign-in is 400 and says why",
        arguments: [
            ("", "not valid JSON"), ("{", "not valid JSON"), ("[]", "not an object"), ("\"a\"", "not an object"),
            (#"{"username":"a"}"#, "\"password\" is missing"), (#"{"password":"a"}"#, "\"username\" is missing"),
            (#"{"username":1,"password":"a"}"#, "\"username\" is not a string"),
            (#"{"username":"a","password":null}"#, "\"password\" is not a string"),
            (#"{"username":"a","username":"b","password":"c"}"#, "two members of one name"),
            (#"{"username":"a","password":"c"} x"#, "not valid JSON"), ("username=a&password=b", "not valid JSON"),
        ])
    func badJSON(_ content: String, _ part: String) {
        let problem = #expect(throws: Problem.self) { try SignInRequest(bytes(content), .json) }
        #expect(problem?.status == 400)
        #expect(problem?.detail.contains(part) == true)
    }

    @Test("A form; the way back is checked")
    func form() throws {
        let request = try SignInRequest(bytes("username=a+b&password=%C3%A9%26&return_to=%2Fprofile%3Fa%3Db"), .form)
        #expect(request.username == bytes("a b"))
        #expect(request.password == bytes("é&"))
        #expect(request.returnTo == bytes("/profile?a=b"))
    }

    @Test(
        "A form that lacks a field or has it twice",
        arguments: [
            "", "username=a", "password=a", "username=a&username=b&password=c", "username=a&password=b&password=b",
            "username=a&password=b&return_to=/&return_to=/x", "Username=a&password=b",
        ])
    func badForm(_ content: String) {
        #expect(throws: Problem.self) { try SignInRequest(bytes(content), .form) }
    }

    @Test(
        "rule 37: a way back to another site becomes the start page",
        arguments: [
            "//evil.example", "https://evil.example", "/%5Cevil.example", "/%09/evil.example", "evil", "/%2F/evil.example",
        ])
    func openRedirect(_ target: String) throws {
        let request = try SignInRequest(bytes("username=a&password=b&return_to=\(target)"), .form)
        #expect(request.returnTo == bytes("/"))
    }

    @Test(
        "rule 6: a name that no account can have goes the same way under a name that is nobody's", arguments: ["", " alice", "a,b", "a\r\nb"])
    func impossibleName(_ presented: String) throws {
        let name = try SignInName(bytes(presented), .exact)
        #expect(!name.isPossible)
        #expect(name.canonical.bytes.count == 64)
        #expect(try SignInName(bytes("alice"), .exact).isPossible)
    }

    @Test(
        "How long one has to wait, in words",
        arguments: [
            (0, "1 second"), (1, "1 second"), (2, "2 seconds"), (89, "89 seconds"), (90, "2 minutes"), (900, "15 minutes"),
        ])
    func waiting(_ seconds: Int, _ words: String) { #expect(SignInCheck.words(seconds) == words) }
}
