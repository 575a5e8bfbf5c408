import Glibc
import Testing
import Wire

struct IPAddressTests {
    static let addresses: [(String, String)] = [
        ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
        ("1::", "1::"),
        ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:1:0:0:0:1:0", "0:0:1::1:0"), ("::ffff:10.0.0.1", "10.0.0.1"), ("::FFFF:0a00:0001", "10.0.0.1"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::1.2.3.4", "::102:304"), ("0001::", "1::"),
    ]

    @Test("addresses are read, and written in one form", arguments: addresses)
    func reads(_ input: String, _ expected: String) throws {
        let address = try #require(IPAddress(octets(input)))
        #expect(address.text == expected)
        #expect(IPAddress(octets(expected)) == address)
    }

    @Test("Every number of an IPv4 address, at every place")
    func numbers() {
        for place in 0..<4 {
            for number in 0...255 {
                var parts = [1, 20, 130, 4]
                parts[place] = number
                let address = IPAddress(v4: parts.reduce(0) { $0 << 8 | UInt32($1) })
                #expect(address.text == parts.map { String($0) }.joined(separator: "."))
            }
        }
    }

    @Test("Every way of zeros in an IPv6 address is written as inet_ntop(3) writes it")
    func zeros() throws {
        for pattern in 0..<256 {
            for group: UInt64 in [0x1, 0xab, 0xdef, 0x9876] {
                let groups = (0..<8).map { pattern >> $0 & 1 == 1 ? group : 0 }
                let high = groups[0..<4].reduce(0) { $0 << 16 | $1 }
                let address = IPAddress(high: high, low: groups[4...].reduce(0) { $0 << 16 | $1 })
                var octets = address.octets
                var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
                let end = unsafe inet_ntop(AF_INET6, &octets, &text, socklen_t(text.count))
                try #require(unsafe end != nil)
                // It writes the last four octets of ::102:304 as an IPv4 address, which RFC 5952 5 leaves to known prefixes.
                let expected = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if expected.contains(".") { continue }
                #expect(address.text == expected)
            }
        }
    }

    @Test(
        "rule 5: what is not exactly an address is none",
        arguments: [
            "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "0x1.2.3.4", "1.2.3.-4",
            "1.2.3.1234",
            ":", ":::", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "::1%eth0", "[::1]", "::1.2.3",
            "1.2.3.4::",
            "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", "::ffff:1.2.3.4/96",
        ])
    func refuses(_ input: String) {
        #expect(IPAddress(octets(input)) == nil)
    }

    static let networks: [(String, [String], [String])] = [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255", "::10.0.0.0", "::"]),
        ("192.168.1.128/25", ["192.168.1.128", "192.168.1.255"], ["192.168.1.127", "192.168.2.128"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.1.2.3"], ["::1", "2001:db8::"]),
        ("::/0", ["::", "::1", "2001:db8::"], ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]), ("127.0.0.1/32", ["127.0.0.1"], ["127.0.0.0"]), ("::1", ["::1"], ["::", "::2"]),
        ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::1"], ["2001:db8:8000::", "2001:db9::"]),
        ("2001:db8::/64", ["2001:db8::ffff"], ["2001:db8:0:1::"]), ("2001:db8::8/126", ["2001:db8::b"], ["2001:db8::c", "2001:db8::7"]),
        ("::ffff:10.0.0.0/104", ["10.1.1.1"], ["11.1.1.1"]),
    ]

    @Test("rule 5: a network holds its own addresses and no others", arguments: networks)
    func contains(_ network: String, _ inside: [String], _ outside: [String]) throws {
        let network = try #require(CIDR(octets(network)))
        for text in inside { #expect(network.contains(try #require(IPAddress(octets(text)))), "\(text)") }
        for text in outside { #expect(!network.contains(try #require(IPAddress(octets(text)))), "\(text)") }
    }

    @Test(
        "a network that is written in doubt is none",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8", "::/129", "::1/64",
            "::ffff:10.0.0.0/8", "::ffff:0:0/95", "10.0.0.0/1000",
        ])
    func refusesNetwork(_ input: String) {
        #expect(CIDR(octets(input)) == nil)
    }

    static let dates: [(Int64, String)] = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ]

    @Test("dates are written as RFC 9110 5.6.7 has them", arguments: dates)
    func date(_ seconds: Int64, _ expected: String) {
        let out = Buffer()
        HTTPDate.append(unixSeconds: seconds, to: out)
        #expect(text(rest(out)) == expected)
    }
}
