import Testing

@testable import Secrets

@Suite("base64url")
struct Base64URLTests {
    @Test(
        "known texts: RFC 4648 10 without padding, RFC 7515 C",
        arguments: [
            ([], ""), (Array("f".utf8), "Zg"), (Array("fo".utf8), "Zm8"), (Array("foo".utf8), "Zm9v"),
            (Array("foob".utf8), "Zm9vYg"), (Array("fooba".utf8), "Zm9vYmE"), (Array("foobar".utf8), "Zm9vYmFy"),
            ([3, 236, 255, 224, 193], "A-z_4ME"), ([0xff, 0xff, 0xff], "____"), ([0xfb, 0xef, 0xbe], "----"),
        ] as [([UInt8], String)])
    func knownTexts(octets: [UInt8], text: String) {
        #expect(Base64URL.encode(octets) == Array(text.utf8))
        #expect(Base64URL.decode(Array(text.utf8)) == octets)
        #expect(Base64URL.decode(([0x2e] + Array(text.utf8))[1...]) == octets)
    }

    @Test(
        "rule 50: a text is refused that is not the one text of a value",
        arguments: [
            "Z", "A", "AAAAA", "Zm9vA", "Zm9vY", "Zg==", "Zg=", "=", "Zm8=", "Zm9v=", "Zm9v====",
            "Zh", "Zm9", "Zm-", "Z_", "____-z",
            "Zm+v", "Zm/v", "Zm9v\n", "\nZm9v", "Zm 9v", "Zm9v ", "Zm\u{0}v", "Zm.v", "Zmév", "Zm９v",
        ])
    func refused(text: String) {
        #expect(Base64URL.decode(Array(text.utf8)) == nil)
    }

    @Test("rule 50: of all texts of two characters, exactly 256 stand for an octet, each for another one")
    func twoCharacters() {
        var found: Set<[UInt8]> = []
        var count = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                guard let octets = Base64URL.decode([first, second]) else { continue }
                count += 1
                found.insert(octets)
                #expect(Base64URL.encode(octets) == [first, second])
            }
        }
        #expect(count == 256 && found.count == 256)
    }

    @Test("what is encoded comes back, for every length to 200")
    func roundTrip() throws {
        for count in 0...200 {
            let octets = try SecureRandom.bytes(count)
            let text = Base64URL.encode(octets)
            #expect(text.count == (count * 8 + 5) / 6)
            #expect(Base64URL.decode(text) == octets)
        }
    }
}
