import Testing
import Wire

@testable import Loop

@Suite("SocketAddress")
struct SocketAddressTests {
    @Test(
        "Numbers in, the same numbers out",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:8080", "[::1]:8080"), ("0.0.0.0:0", "0.0.0.0:0"),
            ("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535"),
        ])
    func valid(_ text: String, _ canonical: String) throws {
        #expect(try #require(SocketAddress(numeric: text)).text == canonical)
    }

    @Test(
        "Anything else is nothing",
        arguments: [
            "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:000080",
            "::1:80",
            "[::1]", "[::1]:", "[127.0.0.1]:80", "localhost:80", "127.1:80", "256.0.0.1:80", "[::1:80", "::1]:80", "[[::1]]:80", "127.0.0.1:８０",
            "127.0.0.1\0x:80", "[::1\0]:80", "127.0.0.1:80\0",
        ])
    func invalid(_ text: String) { #expect(SocketAddress(numeric: text) == nil) }

    @Test("Only 4 or 16 octets are an address")
    func octets() throws {
        #expect([0, 3, 5, 15, 17].allSatisfy { SocketAddress(octets: [UInt8](repeating: 0, count: $0), port: 1) == nil })
        let mapped = try #require(SocketAddress(numeric: "[::ffff:192.0.2.1]:1"))
        #expect(mapped.ip == IPAddress(v4: 0xc000_0201))
    }
}
