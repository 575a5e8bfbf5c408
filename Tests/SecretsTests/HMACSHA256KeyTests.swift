import Testing

@testable import Secrets

/// RFC 4231 4.2 to 4.8. The answer of case 5 is the 128 bits that it gives.
let hmacAnswers: [(key: [UInt8], data: [UInt8], signature: String)] = [
    (run(0x0b, 20), Array("Hi There".utf8), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (run(0xaa, 20), run(0xdd, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ((1...25).map { UInt8($0) }, run(0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (run(0x0c, 20), Array("Test With Truncation".utf8), "a3b6167473100ee06e0c796c2955552b"),
    (
        run(0xaa, 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
        run(0xaa, 131),
        Array(
            ("This is a test using a larger than block-size key and a larger than block-size data. "
                + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
]

private let pem = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
    q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
    -----END PUBLIC KEY-----
    """

@Suite("HMAC-SHA-256")
struct HMACSHA256KeyTests {
    @Test("the known answers of RFC 4231", arguments: hmacAnswers)
    func knownAnswers(key: [UInt8], data: [UInt8], signature: String) {
        let bytes = HMACSHA256Key(unchecked: key).sign(data).bytes
        #expect(Array(bytes.prefix(signature.utf8.count / 2)) == hex(signature))
    }

    @Test("the signature of RFC 7515 A.1")
    func jws() throws {
        let secret = try #require(
            Base64URL.decode(
                Array("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow".utf8)))
        let input = Array(
            ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ").utf8)
        let signature: [UInt8] = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88,
            5, 88, 83, 132, 141, 121,
        ]
        let key = try HMACSHA256Key(secret: secret)
        #expect(key.sign(input).bytes == signature)
        #expect(key.verify(signature, of: input))
        #expect(Base64URL.encode(key.sign(input)) == Array("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".utf8))
    }

    @Test("rule 51: the signature is compared whole: no other bit, no shorter, no longer, no empty one")
    func wholeSignature() throws {
        let key = try HMACSHA256Key(secret: goodSecret)
        let octets = Array("what is signed".utf8)
        let signature = key.sign(octets).bytes
        #expect(key.verify(signature, of: octets))
        for bit in 0..<256 {
            var other = signature
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!key.verify(other, of: octets))
        }
        for count in 0..<32 { #expect(!key.verify(Array(signature.prefix(count)), of: octets)) }
        #expect(!key.verify(signature + [0], of: octets))
        #expect(!key.verify(signature + signature, of: octets))
        #expect(!key.verify(signature, of: Array(octets.dropLast())))
    }

    @Test("rule 53: a secret under 32 octets is refused", arguments: [0, 1, 16, 31])
    func short(count: Int) {
        #expect(throws: SecretsError.secretTooShort(count)) { try HMACSHA256Key(secret: Array(goodSecret.prefix(count))) }
    }

    @Test(
        "rule 53: a secret that is the text of a key is refused",
        arguments: [
            pem,
            "\u{feff}\n  " + pem,
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
            #"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#,
            #"  {"keys": [ { "kty" : "RSA", "n": "0vx7agoebGcQSuuPiLJXZpt", "e": "AQAB" } ] }"#,
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7vbqajDhA",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfGg7yxqzR",
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAy",
        ])
    func keyText(text: String) {
        #expect(throws: SecretsError.secretIsKey) { try HMACSHA256Key(secret: Array(text.utf8)) }
    }

    @Test(
        "rule 53: a secret of one octet repeated is refused",
        arguments: [
            (0, 32), (0x61, 32), (0xff, 64),
        ] as [(UInt8, Int)])
    func uniform(octet: UInt8, count: Int) {
        #expect(throws: SecretsError.secretIsUniform) { try HMACSHA256Key(secret: run(octet, count)) }
    }

    @Test("secrets of 32 to 4096 octets, of any octets, are taken", arguments: [32, 63, 64, 65, 4096])
    func taken(count: Int) throws {
        let secret = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 0x7b) }
        let key = try HMACSHA256Key(secret: secret)
        #expect(key.verify(HMACSHA256Key(unchecked: secret).sign([1, 2, 3]).bytes, of: [1, 2, 3]))
    }

    @Test("one key signs the same on many threads at once")
    func threads() async throws {
        let key = try HMACSHA256Key(secret: goodSecret)
        let messages = (0..<64).map { count in (0..<count).map { UInt8($0) } }
        let expected = messages.map { key.sign($0) }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<200).allSatisfy { _ in messages.map { key.sign($0) } == expected } }
            }
            for await same in group { #expect(same) }
        }
    }

    @Test("constantTimeEqual sees every single bit, at every length to 40")
    func everyBit() {
        for count in 0...40 {
            let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(constantTimeEqual(octets, octets))
            for bit in 0..<count * 8 {
                var other = octets
                other[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(!constantTimeEqual(octets, other), "bit \(bit) of \(count) octets")
            }
        }
    }

    @Test(
        "constantTimeEqual says what == says",
        arguments: [
            ([], []), ([1], [1]), ([1], [2]), ([1, 2], [1]), ([], [0]), ([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [0, 2, 3]),
        ] as [([UInt8], [UInt8])])
    func equality(left: [UInt8], right: [UInt8]) {
        #expect(constantTimeEqual(left, right) == (left == right))
        #expect(constantTimeEqual(right, left) == (left == right))
    }
}
