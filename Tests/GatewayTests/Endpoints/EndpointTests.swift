import Access
import Testing
import Wire

@testable import Gateway

@Suite("Endpoint")
struct EndpointTests {
    private func match(_ path: String) -> Endpoint? {
        let buffer = Buffer()
        // Something in front, so that a match that forgets the range's start is seen.
        buffer.append("GET ")
        buffer.append(bytes(path))
        return Endpoint(buffer, ByteRange(offset: 4, count: path.utf8.count), Endpoint.Paths(GatewayConfiguration.Login()))
    }

    @Test(
        "The gateway's own paths, exactly",
        arguments: [
            ("/login", Endpoint.signIn), ("/logout", .signOut), ("/.gatehouse/me", .me), ("/.gatehouse/sessions", .sessions),
            ("/.gatehouse/sessions/abc", .session(handle: ByteRange(offset: 25, count: 3))), ("/.gatehouse/auth", .auth),
            ("/.gatehouse/auth/", .auth), ("/.gatehouse/auth/a/b", .auth),
        ])
    func own(_ path: String, _ endpoint: Endpoint) { #expect(match(path) == endpoint) }

    @Test(
        "What stands below the gateway's own tree never goes to an upstream",
        arguments: [
            "/.gatehouse", "/.gatehouse/", "/.gatehouse/mee", "/.gatehouse/authx", "/.gatehouse/sessions/", "/.gatehouse/me/",
            "/.gatehouse/x/y", "/.well-known/jwks.json",
        ])
    func reserved(_ path: String) { #expect(match(path) == .nothing) }

    @Test(
        "Everything else is a route's",
        arguments: [
            "/", "/log", "/login/", "/loginx", "/Login", "/logou", "/.", "/.gatehous", "/.gatehousex", "/a/.gatehouse/me",
            "/.well-known/jwks.jso", "/.well-known/other",
        ])
    func others(_ path: String) { #expect(match(path) == nil) }
}

@Suite("SetCookie")
struct SetCookieTests {
    @Test(
        "The attributes, with Secure on https alone",
        arguments: [
            (false, "session_id=SESS_x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"),
            (true, "session_id=SESS_x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"),
        ])
    func attributes(_ isSecure: Bool, _ line: String) {
        let cookie = SetCookie(name: bytes("session_id"), value: bytes("SESS_x"), maxAge: 60, isSecure: isSecure)
        #expect(cookie.bytes == bytes(line))
    }

    @Test("A time that is over is zero seconds and never a sign")
    func negative() {
        let cookie = SetCookie(name: bytes("a"), value: [], maxAge: -5, isSecure: false)
        #expect(cookie.bytes == bytes("a=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
    }
}

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "RFC 3339 in UTC, rounded down, held to four digits of year",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (999, "1970-01-01T00:00:00Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_800_000, "2000-03-01T00:00:00Z"), (1_767_225_599_999, "2025-12-31T23:59:59Z"),
            (1_785_585_845_000, "2026-08-01T12:04:05Z"), (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (13_569_465_600_000, "2400-01-01T00:00:00Z"), (253_402_300_799_000, "9999-12-31T23:59:59Z"),
            (.max, "9999-12-31T23:59:59Z"), (-1, "1970-01-01T00:00:00Z"), (.min, "1970-01-01T00:00:00Z"),
        ] as [(Int64, String)])
    func text(_ milliseconds: Int64, _ text: String) {
        let out = Buffer()
        Timestamp.append(milliseconds: milliseconds, .seconds, to: out)
        #expect(out.array(ByteRange(offset: 0, count: out.count)) == bytes(text))
    }
}
