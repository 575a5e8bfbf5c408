import Testing

@testable import Secrets

/// Openwall's crypt_blowfish 1.3, the tests of wrapper.c: the ones of the prefixes taken, and of passwords of 1 to 72 octets.
let bcryptAnswers: [(hash: String, password: [UInt8])] = [
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", Array("U*U".utf8)),
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", Array("U*U*".utf8)),
    ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", Array("U*U*U".utf8)),
    (
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
    ),
    ("$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", [0xff, 0xff, 0xa3]),
    // $2a$ turns aside the passwords that an older fault made equal to others: on purpose not the hash of $2b$.
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.nqd1wy.pTMdcvrRWxyiGL2eMz.2a85.", [0xff, 0xff, 0xa3]),
    ("$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", [0xff, 0xff, 0xa3]),
    ("$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", [0xa3]),
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", [0xa3]),
    ("$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", [0xa3]),
    (
        "$2y$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi",
        [0xff, 0xa3, 0x33, 0x34, 0xff, 0xff, 0xff, 0xa3, 0x33, 0x34, 0x35]
    ),
    (
        "$2a$05$/OK.fbVrR/bpIqNJ5ianF.ZC1JEJ8Z4gPfpe1JOr/oyPXTWl9EFd.",
        [0xff, 0xa3, 0x33, 0x34, 0xff, 0xff, 0xff, 0xa3, 0x33, 0x34, 0x35]
    ),
    ("$2y$05$/OK.fbVrR/bpIqNJ5ianF.nRht2l/HRhr6zmCp9vYUvvsqynflf9e", [0xff, 0xa3, 0x33, 0x34, 0x35]),
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.nRht2l/HRhr6zmCp9vYUvvsqynflf9e", [0xff, 0xa3, 0x33, 0x34, 0x35]),
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.6IflQkJytoRVc1yuaNtHfiuq.FRlSIS", [0xa3, 0x61, 0x62]),
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.swQOIzjOiJ9GHEPuhEkvqrUyvWhEMx6", run(0xaa, 72)),
    ("$2a$05$/OK.fbVrR/bpIqNJ5ianF.R9xrDjiycxMbQE2bp.vgqlYpW5wx2yy", (0..<36).flatMap { _ in [0xaa, 0x55] as [UInt8] }),
    (
        "$2a$05$/OK.fbVrR/bpIqNJ5ianF.9tQZzcJfm3uj2NvJ/n5xkhpqLrMpWCe",
        (0..<24).flatMap { _ in [0x55, 0xaa, 0xff] as [UInt8] }
    ),
]

@Suite("bcrypt")
struct BcryptHashTests {
    @Test("the known answers of crypt_blowfish", arguments: bcryptAnswers)
    func knownAnswers(hash: String, password: [UInt8]) throws {
        let parsed = try PasswordHash(parsing: hash)
        #expect(try parsed.verify(password))
        #expect(try !parsed.verify([password[0] ^ 1] + password.dropFirst()))
        #expect(parsed.text == hash)
    }

    @Test(
        "rule 30: what bcrypt would ignore is refused when a hash is made",
        arguments: [
            (run(0x61, 73), PasswordHashError.passwordTooLong(limit: 72)),
            (run(0x61, 1024), .passwordTooLong(limit: 72)),
            ([0x61, 0x00, 0x62], .passwordHasNUL),
            ([0x00], .passwordHasNUL),
            ([], .passwordEmpty),
        ])
    func refusedWhenMade(password: [UInt8], error: PasswordHashError) throws {
        let policy = try PasswordPolicy.bcrypt(cost: 4)
        #expect(throws: error) { try policy.hash(password) }
    }

    @Test(
        "rule 30: a password that only begins with the right one does not verify",
        arguments: [
            Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789x".utf8),
            Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored".utf8),
            Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\0".utf8),
        ])
    func longerThan72(password: [UInt8]) throws {
        let hash = try PasswordHash(parsing: "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui")
        #expect(try hash.verify(Array(password.prefix(72))))
        #expect(try !hash.verify(password))
    }

    @Test("rule 30: a NUL does not end the password that is checked")
    func nulDoesNotEndThePassword() throws {
        let hash = try PasswordHash(parsing: "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
        #expect(try hash.verify(Array("U*U".utf8)))
        #expect(try !hash.verify(Array("U*U\0".utf8)))
        #expect(try !hash.verify(Array("U*U\0anything".utf8)))
    }

    @Test(
        "rule 34: a stored string that is not exactly a bcrypt hash is refused",
        arguments: [
            "$2b$",
            "$2b$05$",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe$",
            "$2b$05$CCCCCCCCCCCCCCCCCCCC$.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
            "$2b$05/CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            // Left-over bits that are not zero, of the salt and of the tag.
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX",
        ])
    func malformed(text: String) {
        #expect(throws: PasswordHashError.malformed(algorithm: "bcrypt")) { try PasswordHash(parsing: text) }
    }

    @Test("rule 34: a stored cost outside of the bounds is refused", arguments: ["00", "03", "16", "31", "99"])
    func costOutOfBounds(cost: String) {
        #expect(throws: PasswordHashError.outOfBounds(parameter: "bcrypt cost", allowed: 4...15)) {
            try PasswordHash(parsing: "$2b$\(cost)$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
        }
    }

    @Test("a hash that is made is $2b$ of the cost asked for, verifies, and never comes twice")
    func made() throws {
        let policy = try PasswordPolicy.bcrypt(cost: 4)
        let password = run(0xc3, 72)
        let text = try policy.hash(password)
        #expect(text.hasPrefix("$2b$04$"))
        #expect(text.utf8.count == 60)
        #expect(try policy.hash(password) != text)
        let hash = try PasswordHash(parsing: text)
        #expect(try hash.verify(password))
        #expect(try !hash.verify(run(0xc3, 71)))
    }
}
