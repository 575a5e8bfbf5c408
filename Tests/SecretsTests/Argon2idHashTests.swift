import Testing

@testable import Secrets

/// phc-winner-argon2, src/test.c: argon2id, version 19, those of up to 64 MiB.
let argon2idAnswers: [(memory: Int, passes: Int, lanes: Int, password: String, salt: String, tag: String)] = [
    (65536, 2, 1, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
    (256, 2, 1, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
    (256, 2, 2, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
    (65536, 1, 1, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"),
    (65536, 4, 1, "password", "somesalt", "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"),
    (65536, 2, 1, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"),
    (65536, 2, 1, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"),
]

@Suite("argon2id")
struct Argon2idHashTests {
    @Test("the known answers of the reference implementation", arguments: argon2idAnswers)
    func knownAnswers(memory: Int, passes: Int, lanes: Int, password: String, salt: String, tag: String) throws {
        let parameters = Argon2idHash.Parameters(memoryKiB: memory, iterations: passes, parallelism: lanes)
        let hash = Argon2idHash(parameters: parameters, salt: Array(salt.utf8), tag: hex(tag))
        #expect(try Argon2idHash(of: Array(password.utf8), parameters: parameters, salt: Array(salt.utf8)) == hash)
        #expect(try PasswordHash.argon2id(hash).verify(Array(password.utf8)))
        #expect(try PasswordHash(parsing: PasswordHash.argon2id(hash).text) == .argon2id(hash))
    }

    @Test("the reference implementation's encoded form verifies and is given back as it was")
    func encodedForm() throws {
        let text = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
        let hash = try PasswordHash(parsing: text)
        #expect(try hash.verify(Array("password".utf8)))
        #expect(try !hash.verify(Array("passwore".utf8)))
        #expect(hash.text == text)
    }

    @Test(
        "rule 34: a stored string that is not exactly an argon2id hash is refused",
        arguments: [
            "$argon2id$",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ",
            "$argon2id$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=16$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$t=2,m=256,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2,p=2,data=AAAA$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=0256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=-256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=18446744073709551872,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ=$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHR$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB_VmZZF4Oo79iDXuL5_0ttZwg2f_5U52iv1cDc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDd",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc$",
        ])
    func malformed(text: String) {
        #expect(throws: PasswordHashError.malformed(algorithm: "argon2id (version 19)")) {
            try PasswordHash(parsing: text)
        }
    }

    @Test(
        "rule 34: stored parameters outside of the bounds are refused before any work",
        arguments: [
            ("m=262145,t=1,p=1", "argon2id memory (KiB)", 8...262_144),
            ("m=4294967295,t=1,p=1", "argon2id memory (KiB)", 8...262_144),
            ("m=9999999999,t=1,p=1", "argon2id memory (KiB)", 8...262_144),
            ("m=7,t=1,p=1", "argon2id memory (KiB)", 8...262_144),
            ("m=127,t=1,p=16", "argon2id memory (KiB)", 128...262_144),
            ("m=256,t=17,p=1", "argon2id pass count", 1...16),
            ("m=256,t=1,p=17", "argon2id lane count", 1...16),
        ])
    func outOfBounds(parameters: String, name: String, allowed: ClosedRange<Int>) {
        #expect(throws: PasswordHashError.outOfBounds(parameter: name, allowed: allowed)) {
            try PasswordHash(
                parsing: "$argon2id$v=19$\(parameters)$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")
        }
    }

    @Test(
        "rule 34: a salt or tag of a length outside of the bounds is refused",
        arguments: [
            (run(1, 7), run(2, 32)), (run(1, 65), run(2, 32)), (run(1, 16), run(2, 15)), (run(1, 16), run(2, 65)),
        ])
    func lengths(salt: [UInt8], tag: [UInt8]) {
        let parameters = Argon2idHash.Parameters(memoryKiB: 8, iterations: 1, parallelism: 1)
        let text = PasswordHash.argon2id(Argon2idHash(parameters: parameters, salt: salt, tag: tag)).text
        #expect(throws: PasswordHashError.self) { try PasswordHash(parsing: text) }
    }

    @Test("a hash that is made has the policy's parameters, verifies, and never comes twice")
    func made() throws {
        let policy = try PasswordPolicy.argon2id(memoryKiB: 64, iterations: 2, parallelism: 1)
        let password = run(0xc3, 1024)
        let text = try policy.hash(password)
        #expect(text.hasPrefix("$argon2id$v=19$m=64,t=2,p=1$"))
        #expect(try policy.hash(password) != text)
        let hash = try PasswordHash(parsing: text)
        #expect(try hash.verify(password))
        #expect(try !hash.verify(run(0xc3, 1023)))
        // Only the first 1024 octets are worked on, and still what is longer is refused.
        #expect(try !hash.verify(run(0xc3, 1025)))
    }

    @Test(
        "a password with a NUL, an empty one and one over 1024 octets are refused",
        arguments: [
            ([], PasswordHashError.passwordEmpty), ([0x61, 0], .passwordHasNUL), (run(0x61, 1025), .passwordTooLong(limit: 1024)),
        ])
    func refusedWhenMade(password: [UInt8], error: PasswordHashError) throws {
        let policy = try PasswordPolicy.argon2id(memoryKiB: 64, iterations: 1, parallelism: 1)
        #expect(throws: error) { try policy.hash(password) }
    }
}
