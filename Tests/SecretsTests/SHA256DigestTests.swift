import Testing

@testable import Secrets

@Suite("SHA-256")
struct SHA256DigestTests {
    @Test(
        "the examples of FIPS 180",
        arguments: [
            ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                Array(
                    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
                        .utf8),
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            (run(0x61, 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] as [([UInt8], String)])
    func knownAnswers(octets: [UInt8], digest: String) {
        #expect(SHA256Digest(of: octets).hex == digest)
        #expect(SHA256Digest(of: octets).bytes == hex(digest))
    }

    @Test("a digest that was kept comes back equal, and only from 32 octets")
    func kept() {
        let digest = SHA256Digest(of: Array("abc".utf8))
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
        #expect(SHA256Digest(bytes: digest.bytes)?.hashValue == digest.hashValue)
        #expect(SHA256Digest(bytes: digest.bytes.dropLast()) == nil)
        #expect(SHA256Digest(bytes: digest.bytes + [0]) == nil)
        #expect(SHA256Digest(of: []) != digest)
    }

    @Test("octets given in parts have the digest of the whole, at every place to cut")
    func parts() {
        let octets = (0..<150).map { UInt8($0) }
        for cut in 0...octets.count {
            var state = SHA256State()
            state.update(Array(octets[..<cut]).span.raw)
            state.update(Array(octets[cut...]).span.raw)
            #expect(state.finish() == SHA256Digest(of: octets))
        }
    }
}
