import Access
import Secrets
import Synchronization
import Testing

@testable import Gateway

@Suite("Signing in")
struct SignInTests {
    @Test("A session: the user, its end, one cookie, and the record under the digest alone")
    func session() async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.signIn()
        #expect(reply.status == 200)
        #expect(reply["content-type"] == "application/json")
        #expect(reply["cache-control"] == "no-store")
        #expect(reply.body.hasPrefix(#"{"user":{"id":"101","username":"alice","role":"user"},"expires_at":"20"#))
        #expect(reply.all("set-cookie").count == 1)
        let cookie = try #require(reply["set-cookie"])
        #expect(cookie.hasPrefix("session_id=SESS_"))
        #expect(cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"))
        let record = try #require(server.contents.sessions.first)
        #expect(record.key == SessionKey(SHA256Digest(of: bytes(String(reply.cookie.dropFirst("session_id=".count))))))
        #expect(record.userID.text == "101")
        await server.stop()
    }

    @Test("A token: nothing is stored, and it is good")
    func token() async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.signIn(target: "/login?issue=token")
        #expect(reply.status == 200)
        #expect(reply.cookie.hasPrefix("token=eyJ"))
        #expect(reply["set-cookie"]?.hasSuffix("; Max-Age=900") == true || reply["set-cookie"]?.hasSuffix("; Max-Age=899") == true)
        #expect(server.contents.sessions.isEmpty)
        #expect(!server.contents.calls.contains { $0.hasPrefix("sessions.") })
        let me = try server.ask("GET", "/.gatehouse/me", ["Cookie: \(reply.cookie)"])
        #expect(me.body.hasPrefix(#"{"user":{"id":"101","username":"alice","role":"user"},"method":"token","expires_at":"#))
        await server.stop()
    }

    @Test("Over https: __Host-, Secure and HSTS")
    func https() async throws {
        let server = try await EndpointsServer.start(https: true)
        let reply = try server.signIn()
        #expect(reply["set-cookie"]?.hasPrefix("__Host-session_id=SESS_") == true)
        #expect(reply["set-cookie"]?.hasSuffix("; Secure") == true)
        #expect(reply["strict-transport-security"] == "max-age=31536000")
        await server.stop()
    }

    @Test(
        "rules 31 and 32: wrong, unknown, disabled, impossible and over-long get one answer for the same calls",
        arguments: [
            ("alice", "wrong"), ("nobody", "secret123"), ("eve", "secret123"), (" alice", "secret123"), ("", ""),
            ("alice", String(repeating: "x", count: 2000)), ("nobody", String(repeating: "x", count: 2000)), ("alice", "a\\u0000"),
        ])
    func wrong(_ username: String, _ password: String) async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.signIn(username, password)
        #expect(reply.status == 401)
        #expect(reply["www-authenticate"] == "Bearer")
        #expect(reply["set-cookie"] == nil)
        #expect(
            reply.body.hasPrefix(
                #"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The user name or the password is wrong.","#))
        #expect(server.contents.calls == ["throttle.update", "users.find"])
        #expect(server.contents.sessions.isEmpty)
        await server.stop()
    }

    @Test("rule 35: the sixth attempt from one address waits, right or wrong, known or not", arguments: ["alice", "nobody"])
    func throttled(_ username: String) async throws {
        let server = try await EndpointsServer.start()
        for _ in 0..<5 { #expect(try server.signIn(username, "wrong").status == 401) }
        server.contents.forgetCalls()
        let reply = try server.signIn(username)
        #expect(reply.status == 429)
        #expect(reply["retry-after"] == "1")
        // The password is not looked at.
        #expect(server.contents.calls == ["throttle.update"])
        await server.stop()
    }

    @Test("A right password clears the count of its account from its address")
    func success() async throws {
        let server = try await EndpointsServer.start()
        for _ in 0..<4 { _ = try server.signIn("alice", "wrong") }
        #expect(try server.signIn().status == 200)
        for _ in 0..<5 { #expect(try server.signIn("alice", "wrong").status == 401) }
        await server.stop()
    }

    @Test(
        "rule 36: a page of another site signs nobody in",
        arguments: [
            ["Origin: https://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site"],
            ["Origin: http://gate.example", "Origin: http://gate.example"], ["Origin: https://gate.example"],
        ])
    func crossSite(_ fields: [String]) async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.signIn(fields: fields)
        #expect(reply.status == 403)
        #expect(reply.body.contains("http://gate.example"))
        #expect(server.contents.calls.isEmpty)
        await server.stop()
    }

    @Test(
        "rule 36: JSON only as application/json",
        arguments: [
            "text/plain", "application/jsonx", "multipart/form-data; boundary=x", "application/json; charset=latin1", "",
        ])
    func contentType(_ type: String) async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.ask("POST", "/login", ["Content-Type: \(type)"], #"{"username":"alice","password":"secret123"}"#)
        #expect(reply.status == 415)
        #expect(server.contents.calls.isEmpty)
        await server.stop()
    }

    @Test("A content that is too large, and one that is not what it says")
    func content() async throws {
        let server = try await EndpointsServer.start()
        #expect(try server.signIn("alice", String(repeating: "x", count: 20_000)).status == 413)
        #expect(try server.ask("POST", "/login", ["Content-Type: application/json"], "{").status == 400)
        #expect(try server.signInByForm("username=a").status == 400)
        await server.stop()
    }

    @Test(
        "What may be asked for",
        arguments: [
            ("session", 200), ("token", 200), ("", 400), ("Token", 400), ("token&issue=token", 400), ("both", 400),
        ])
    func issue(_ kind: String, _ status: Int) async throws {
        let server = try await EndpointsServer.start()
        #expect(try server.signIn(target: "/login?issue=\(kind)").status == status)
        await server.stop()
    }

    @Test("What is not allowed is not given")
    func notAllowed() async throws {
        let server = try await EndpointsServer.start { $0.login.allowed = .session }
        #expect(try server.signIn(target: "/login?issue=token").status == 400)
        let keyless = try await EndpointsServer.start { $0.tokens = nil }
        #expect(try keyless.signIn(target: "/login?issue=token").status == 400)
        #expect(try keyless.signIn("alice", "wrong")["www-authenticate"] == "Cookie")
        await server.stop()
        await keyless.stop()
    }

    @Test("rule 38: a new id at each sign-in, and the old session ends")
    func replaces() async throws {
        let server = try await EndpointsServer.start()
        let first = try server.signIn().cookie
        let second = try server.signIn(fields: ["Cookie: \(first)"]).cookie
        #expect(first != second)
        #expect(server.contents.sessions.count == 1)
        #expect(try server.ask("GET", "/.gatehouse/me", ["Cookie: \(first)"]).status == 401)
        #expect(try server.ask("GET", "/.gatehouse/me", ["Cookie: \(second)"]).status == 200)
        let planted = "session_id=SESS_" + String(repeating: "A", count: 43)
        #expect(try server.signIn(fields: ["Cookie: \(planted)"]).cookie != planted)
        await server.stop()
    }

    @Test("The other kind's cookie goes if it is there, and its session with it")
    func otherKind() async throws {
        let server = try await EndpointsServer.start()
        let session = try server.signIn().cookie
        let reply = try server.signIn(target: "/login?issue=token", fields: ["Cookie: \(session)"])
        #expect(reply.all("set-cookie").count == 2)
        #expect(reply.all("set-cookie").last == "session_id=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
        #expect(server.contents.sessions.isEmpty)
        let back = try server.signIn(fields: ["Cookie: \(reply.cookie)"])
        #expect(back.all("set-cookie").last == "token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
        await server.stop()
    }

    @Test(
        "rule 40: a store that is down is 503, and no cookie is touched",
        arguments: [
            StoreContents.Part.users, .throttle, .sessions,
        ])
    func storeDown(_ part: StoreContents.Part) async throws {
        let server = try await EndpointsServer.start()
        server.contents.stop(part)
        let reply = try server.signIn(fields: ["Cookie: session_id=x; token=y"])
        #expect(reply.status == 503)
        #expect(reply["retry-after"] == "1")
        #expect(reply["set-cookie"] == nil)
        #expect(server.lastNote?.contains("unavailable") == true)
        await server.stop()
    }

    @Test(
        "rules 32 and 34: a full pool is 503 for everybody, known or not, and the attempt is not counted",
        arguments: ["alice", "nobody", "eve", " alice", ""])
    func poolFull(_ username: String) async throws {
        let server = try await EndpointsServer.start(queue: -1)
        for _ in 0..<7 {
            let reply = try server.signIn(username)
            #expect(reply.status == 503)
            #expect(reply["retry-after"] == "1")
        }
        await server.stop()
    }

    @Test("rule 34: a hash that cannot be read lets nobody in, and the log says so")
    func unreadableHash() async throws {
        let server = try await EndpointsServer.start()
        server.contents.state.withLock { $0.users[0].passwordHash = "$2a$99$nothing" }
        #expect(try server.signIn().status == 401)
        #expect(server.lastNote?.contains("hash cannot be read") == true)
        await server.stop()
    }

    @Test("A hash below the policy is replaced while the password is at hand")
    func rehash() async throws {
        let server = try await EndpointsServer.start { configuration in
            if let policy = try? PasswordPolicy.bcrypt(cost: 5) { configuration.login.passwordPolicy = policy }
        }
        #expect(try server.signIn().status == 200)
        let hash = server.contents.state.withLock { $0.users[0].passwordHash }
        #expect(hash.hasPrefix("$2b$05$") || hash.hasPrefix("$2a$05$") || hash.hasPrefix("$2y$05$"))
        server.contents.forgetCalls()
        #expect(try server.signIn().status == 200)
        #expect(!server.contents.calls.contains("users.setPasswordHash"))
        await server.stop()
    }

    @Test("Where hashes are another program's, a weak one stays")
    func keepsHash() async throws {
        let server = try await EndpointsServer.start { configuration in
            if let policy = try? PasswordPolicy.bcrypt(cost: 5) { configuration.login.passwordPolicy = policy }
            configuration.login.rehashes = false
        }
        #expect(try server.signIn().status == 200)
        #expect(!server.contents.calls.contains("users.setPasswordHash"))
        await server.stop()
    }

    @Test("rule 6: a folded name is one name: in the counts, in the look-up and in the session")
    func foldedName() async throws {
        let server = try await EndpointsServer.start { $0.login.usernames = .caseFolded }
        let reply = try server.signIn("ALICE")
        #expect(reply.status == 200)
        #expect(reply.body.contains(#""username":"alice""#))
        #expect(server.contents.sessions.map(\.username) == [bytes("alice")])
        for name in ["bob", "Bob", "BOB", "bOB", "BoB"] { #expect(try server.signIn(name, "wrong").status == 401) }
        #expect(try server.signIn("BOb", "secret123").status == 429)
        await server.stop()
        let exact = try await EndpointsServer.start()
        #expect(try exact.signIn("ALICE").status == 401)
        await exact.stop()
    }

    @Test("An account that is disabled while its password is checked gets no session")
    func disabledMeanwhile() async throws {
        let server = try await EndpointsServer.start()
        server.contents.state.withLock { $0.meanwhile = { $0.users[0].isDisabled = true } }
        let reply = try server.signIn()
        #expect(reply.status == 401)
        #expect(reply["set-cookie"] == nil)
        #expect(server.contents.sessions.isEmpty)
        await server.stop()
    }

    @Test("A form goes on to where it came from")
    func form() async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.signInByForm("username=alice&password=secret123&return_to=%2Fprofile%3Fa%3D1")
        #expect(reply.status == 303)
        #expect(reply["location"] == "/profile?a=1")
        #expect(reply.cookie.hasPrefix("session_id=SESS_"))
        #expect(try server.signInByForm("username=alice&password=secret123&return_to=//evil.example")["location"] == "/")
        await server.stop()
    }

    @Test("A form that fails is shown again with the name and without the password")
    func formFails() async throws {
        let server = try await EndpointsServer.start()
        let content = "username=%3Calice%3E&password=hunter22&return_to=%2Fprofile"
        let wrong = try server.signInByForm(content, target: "/login?issue=token")
        #expect(wrong.status == 401)
        #expect(wrong["content-type"] == "text/html; charset=utf-8")
        #expect(wrong["www-authenticate"] == "Bearer")
        #expect(wrong.body.contains("role=\"alert\" id=\"error\">The user name or the password is wrong.<"))
        #expect(wrong.body.contains("value=\"&lt;alice&gt;\""))
        #expect(wrong.body.contains("name=\"return_to\" value=\"/profile\""))
        #expect(wrong.body.contains("action=\"/login?issue=token\""))
        #expect(!wrong.body.contains("hunter22"))
        for _ in 0..<4 { _ = try server.signInByForm(content) }
        let throttled = try server.signInByForm(content)
        #expect(throttled.status == 429)
        #expect(throttled["retry-after"] == "1")
        server.contents.stop(.users)
        let down = try server.signInByForm("username=bob&password=x")
        #expect(down.status == 503)
        #expect(down["retry-after"] == "1")
        #expect(down.body.contains("role=\"alert\""))
        await server.stop()
    }

    @Test("The page, with the way back of the query if it is safe")
    func page() async throws {
        let server = try await EndpointsServer.start()
        let page = try server.ask("GET", "/login?return_to=%2Fprofile%3Fa%3D1%26b%3D2")
        #expect(page.status == 200)
        #expect(page["cache-control"] == "no-store")
        #expect(page["content-security-policy"] != nil)
        #expect(page.body.contains("name=\"return_to\" value=\"/profile?a=1&amp;b=2\""))
        #expect(try server.ask("GET", "/login?return_to=//evil.example").body.contains("name=\"return_to\" value=\"/\""))
        let head = try server.ask("HEAD", "/login")
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
        let other = try server.ask("PUT", "/login")
        #expect(other.status == 405)
        #expect(other["allow"] == "GET, HEAD, POST")
        await server.stop()
    }
}
