import Access
import Secrets
import Synchronization
import Testing

@testable import Gateway

@Suite("Signed in")
struct SignedInTests {
    @Test("Signing out ends the session in its store and clears both cookies")
    func signOut() async throws {
        let server = try await EndpointsServer.start()
        let cookie = try server.signIn().cookie
        let reply = try server.ask("POST", "/logout", ["Cookie: \(cookie)"])
        #expect(reply.status == 204)
        #expect(
            reply.all("set-cookie") == [
                "session_id=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", "token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
            ])
        #expect(server.contents.sessions.isEmpty)
        #expect(try server.ask("GET", "/.gatehouse/me", ["Cookie: \(cookie)"]).status == 401)
        #expect(try server.ask("POST", "/logout").status == 204)
        await server.stop()
    }

    @Test("A browser's form gets to the sign-in page")
    func signOutByForm() async throws {
        let server = try await EndpointsServer.start()
        let reply = try server.ask("POST", "/logout", EndpointsServer.formFields)
        #expect(reply.status == 303)
        #expect(reply["location"] == "/login")
        await server.stop()
    }

    @Test("rule 36: neither a link nor another site's page signs anybody out")
    func signOutCrossSite() async throws {
        let server = try await EndpointsServer.start()
        let cookie = try server.signIn().cookie
        let link = try server.ask("GET", "/logout", ["Cookie: \(cookie)"])
        #expect(link.status == 405)
        #expect(link["allow"] == "POST")
        #expect(try server.ask("POST", "/logout", ["Cookie: \(cookie)", "Origin: https://evil.example"]).status == 403)
        #expect(try server.ask("DELETE", "/.gatehouse/sessions", ["Cookie: \(cookie)", "Sec-Fetch-Site: cross-site"]).status == 403)
        let handle = try #require(server.contents.sessions.first).key.handle
        #expect(
            try server.ask("DELETE", "/.gatehouse/sessions/\(handle)", ["Cookie: \(cookie)", "Origin: null"]).status == 403)
        #expect(server.contents.sessions.count == 1)
        await server.stop()
    }

    @Test(
        "rule 40: a store that is down keeps the cookie",
        arguments: [
            ("POST", "/logout"), ("GET", "/.gatehouse/me"), ("GET", "/.gatehouse/sessions"), ("DELETE", "/.gatehouse/sessions"),
            ("DELETE", "/.gatehouse/sessions/x"), ("GET", "/.gatehouse/auth"),
        ])
    func storeDown(_ method: String, _ target: String) async throws {
        let server = try await EndpointsServer.start()
        let cookie = try server.signIn().cookie
        server.contents.stop(.sessions)
        let reply = try server.ask(method, target, ["Cookie: \(cookie)"])
        #expect(reply.status == 503)
        #expect(reply["retry-after"] == "1")
        #expect(reply["set-cookie"] == nil)
        await server.stop()
    }

    @Test("Who am I")
    func me() async throws {
        let server = try await EndpointsServer.start()
        let cookie = try server.signIn("bob").cookie
        let me = try server.ask("GET", "/.gatehouse/me", ["Cookie: \(cookie)"])
        #expect(me.body.hasPrefix(#"{"user":{"id":"102","username":"bob","role":""},"method":"session","expires_at":"20"#))
        #expect(me.body.hasSuffix("Z\"}\n"))
        let nobody = try server.ask("GET", "/.gatehouse/me")
        #expect(nobody.status == 401)
        #expect(nobody["www-authenticate"] == "Bearer")
        #expect(nobody["content-type"] == "application/problem+json")
        let bad = try server.ask("GET", "/.gatehouse/me", ["Authorization: Bearer x.y.z"])
        #expect(bad["www-authenticate"] == #"Bearer error="invalid_token""#)
        #expect(try server.ask("POST", "/.gatehouse/me")["allow"] == "GET, HEAD")
        #expect(try server.ask("GET", "/.gatehouse/nothing").status == 404)
        await server.stop()
    }

    @Test("My sessions: listed, one ended, all others ended")
    func sessions() async throws {
        let server = try await EndpointsServer.start()
        let mine = try server.signIn().cookie
        _ = try server.signIn()
        _ = try server.signIn()
        _ = try server.signIn("bob")
        let list = try server.ask("GET", "/.gatehouse/sessions", ["Cookie: \(mine)"])
        #expect(list.body.components(of: "\"handle\"") == 3)
        #expect(list.body.components(of: "\"current\":true") == 1)
        let others = server.contents.sessions.filter { $0.userID.text == "101" && !mine.hasSuffix($0.key.handle) }
        let bobs = try #require(server.contents.sessions.first { $0.userID.text == "102" })
        #expect(try server.ask("DELETE", "/.gatehouse/sessions/\(bobs.key.handle)", ["Cookie: \(mine)"]).status == 404)
        let key = SessionKey(SHA256Digest(of: bytes(String(mine.dropFirst("session_id=".count)))))
        let other = try #require(others.first { $0.key != key })
        let ended = try server.ask("DELETE", "/.gatehouse/sessions/\(other.key.handle)", ["Cookie: \(mine)"])
        #expect(ended.status == 204)
        #expect(ended["set-cookie"] == nil)
        #expect(try server.ask("DELETE", "/.gatehouse/sessions", ["Cookie: \(mine)"]).body == "{\"ended\":1}\n")
        #expect(Set(server.contents.sessions.map(\.key)) == [key, bobs.key])
        let own = try server.ask("DELETE", "/.gatehouse/sessions/\(key.handle)", ["Cookie: \(mine)"])
        #expect(own.status == 204)
        #expect(own["set-cookie"] == "session_id=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
        await server.stop()
    }

    @Test("With a token: no session is the current one, and all of them end")
    func sessionsByToken() async throws {
        let server = try await EndpointsServer.start()
        let token = try server.signIn(target: "/login?issue=token").cookie.dropFirst("token=".count)
        let cookie = try server.signIn().cookie
        let fields = ["Authorization: Bearer \(token)", "Cookie: \(cookie)"]
        #expect(try server.ask("GET", "/.gatehouse/sessions", fields).body.contains("\"current\":false"))
        #expect(try server.ask("DELETE", "/.gatehouse/sessions", fields).body == "{\"ended\":1}\n")
        #expect(server.contents.sessions.isEmpty)
        await server.stop()
    }

    @Test(
        "The check for another proxy",
        arguments: [
            ("alice", "", 200), ("alice", "?require_role=admin,user", 200), ("alice", "?require_role=admin", 403),
            ("alice", "?require_role=user&require_role=admin", 403), ("alice", "?require_role=", 403), ("alice", "/some/path?x=1", 200),
            ("alice", "?require_role=use", 403), ("alice", "?require_role=%75ser", 200), ("bob", "?require_role=,", 403), ("bob", "", 200),
        ])
    func auth(_ user: String, _ rest: String, _ status: Int) async throws {
        let server = try await EndpointsServer.start()
        let cookie = try server.signIn(user).cookie
        let reply = try server.ask("PATCH", "/.gatehouse/auth\(rest)", ["Cookie: \(cookie)", "X-User-Id: 1", "X-Forwarded-User: root"])
        #expect(reply.status == status)
        if status == 200 {
            #expect(reply.body.isEmpty)
            #expect(reply.all("x-user-id") == [user == "alice" ? "101" : "102"])
            #expect(reply.all("x-user-name") == [user])
            // Present even where it is empty.
            #expect(reply.all("x-user-role") == [user == "alice" ? "user" : ""])
        } else {
            #expect(reply["x-user-id"] == nil)
        }
        #expect(try server.ask("GET", "/.gatehouse/auth\(rest)").status == 401)
        await server.stop()
    }

    @Test(
        "Of several roles each counts, and all of them are told, by a session and by a token",
        arguments: [
            ("?require_role=staff", 200), ("?require_role=x,admin", 200), ("?require_role=admin,staff", 200), ("?require_role=min", 403),
        ], ["/login", "/login?issue=token"])
    func severalRoles(_ check: (query: String, status: Int), _ target: String) async throws {
        let server = try await EndpointsServer.start()
        server.contents.state.withLock { $0.users[0].role = "admin,staff" }
        let signedIn = try server.signIn(target: target)
        #expect(signedIn.body.contains(#""role":"admin,staff""#))
        let reply = try server.ask("GET", "/.gatehouse/auth\(check.query)", ["Cookie: \(signedIn.cookie)"])
        #expect(reply.status == check.status)
        #expect(reply.all("x-user-role") == (check.status == 200 ? ["admin,staff"] : []))
        await server.stop()
    }

    @Test("A person is sent to the sign-in page and back from there; a program gets 401")
    func askToSignIn() async throws {
        let server = try await EndpointsServer.start()
        let browser = ["Accept: text/html", "Sec-Fetch-Mode: navigate", "Cookie: session_id=old"]
        let reply = try server.ask("GET", "/profile/%41?a=b&c=%2F", browser)
        #expect(reply.status == 303)
        #expect(reply["location"] == "/login?return_to=%2Fprofile%2FA%3Fa%3Db%26c%3D%252F")
        #expect(reply["set-cookie"] == nil)
        #expect(try server.ask("GET", "/token-only", browser)["location"] == "/login?return_to=%2Ftoken-only&issue=token")
        for program in [try server.ask("GET", "/profile"), try server.ask("POST", "/profile", browser)] {
            #expect(program.status == 401)
            #expect(program["www-authenticate"] == "Bearer")
            #expect(program["set-cookie"] == nil)
        }
        await server.stop()
    }
}
