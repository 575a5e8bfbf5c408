import Glibc
import Testing

@testable import Secrets

/// CPU nanoseconds that checking a password which must not verify takes on this thread: the least of three times, so that
/// page faults and caches shared with other tests count for little.
private func cost(of password: [UInt8], against hash: PasswordHash) throws -> Double {
    var least = Double.infinity
    for _ in 0..<3 {
        var before = timespec()
        var after = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before)
        let verifies = try hash.verify(password)
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after)
        #expect(!verifies)
        least = min(least, Double(after.tv_sec - before.tv_sec) * 1e9 + Double(after.tv_nsec - before.tv_nsec))
    }
    return least
}

private let policies: [PasswordPolicy] = [
    try? .bcrypt(cost: 8), try? .argon2id(memoryKiB: 4096, iterations: 3, parallelism: 1),
].compactMap(\.self)

@Suite("password policy", .serialized)
struct PasswordPolicyTests {
    @Test("rule 31: a password that is refused for its form takes the work of one that is wrong", arguments: policies)
    func refusalAfterTheWork(policy: PasswordPolicy) throws {
        let hash = try PasswordHash(parsing: policy.hash(Array("secret123".utf8)))
        let wrong = try cost(of: Array("secret124".utf8), against: hash)
        for password in [[], run(0x61, 73), run(0x61, 1024), run(0x61, 1025), run(0x61, 100_000), [0], [0x61, 0, 0x62]] {
            let refused = try cost(of: password, against: hash)
            #expect(refused > wrong / 2 && refused < wrong * 2)
        }
    }

    @Test("rule 32: the dummy takes the work of a user's hash, and no password verifies", arguments: policies)
    func dummy(policy: PasswordPolicy) throws {
        let hash = try PasswordHash(parsing: policy.hash(Array("secret123".utf8)))
        let known = try cost(of: Array("secret124".utf8), against: hash)
        let dummy = policy.dummy()
        #expect(dummy.policy == policy)
        #expect(try PasswordHash(parsing: dummy.text) == dummy)
        for password in ["secret123", "", "no password hashes to this"] {
            let unknown = try cost(of: Array(password.utf8), against: dummy)
            #expect(unknown > known / 2 && unknown < known * 2)
        }
    }

    @Test(
        "a hash is weaker than a policy that asks for more, and only then",
        arguments: [
            ("$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 10, false),
            ("$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 11, true),
            ("$2y$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 11, false),
            ("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", 15, false),
        ])
    func weakerThanBcrypt(hash: String, cost: Int, weaker: Bool) throws {
        #expect(try PasswordHash(parsing: hash).isWeaker(than: .bcrypt(cost: cost)) == weaker)
    }

    @Test(
        "argon2id is measured by memory, and memory times passes",
        arguments: [
            ("m=19456,t=2,p=1", false), ("m=19456,t=3,p=1", false), ("m=47104,t=1,p=1", false), ("m=19456,t=2,p=4", false),
            ("m=19455,t=2,p=1", true), ("m=19456,t=1,p=1", true), ("m=9216,t=16,p=1", true), ("m=20000,t=1,p=1", true),
        ])
    func weakerThanStandard(parameters: String, weaker: Bool) throws {
        let hash = try PasswordHash(
            parsing: "$argon2id$v=19$\(parameters)$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")
        #expect(hash.isWeaker(than: .standard) == weaker)
    }

    @Test("bcrypt is weaker than argon2id at any cost")
    func bcryptIsWeaker() throws {
        let hash = try PasswordHash(parsing: "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
        #expect(hash.isWeaker(than: .standard))
    }

    @Test("a policy outside of the bounds is refused")
    func bounds() {
        for cost in [Int.min, -1, 0, 3, 16, Int.max] {
            #expect(throws: PasswordHashError.self) { try PasswordPolicy.bcrypt(cost: cost) }
        }
        for (memory, passes, lanes) in [
            (7, 1, 1), (262_145, 1, 1), (Int.max, 1, 1), (64, 0, 1), (64, 17, 1), (64, 1, 0), (64, 1, 17), (64, 1, 9),
            (64, 1, Int.max), (64, Int.max, 1), (Int.min, Int.min, Int.min),
        ] {
            #expect(throws: PasswordHashError.self) {
                try PasswordPolicy.argon2id(memoryKiB: memory, iterations: passes, parallelism: lanes)
            }
        }
    }

    @Test(
        "rule 34: a stored string of another kind, too long or not ASCII is refused",
        arguments: [
            ("", PasswordHashError.unknownAlgorithm), ("secret123", .unknownAlgorithm), ("$", .unknownAlgorithm),
            ("$1$deadbeef$0Huu6KHrKLVWfqa4WljDE0", .unknownAlgorithm),
            ("$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", .unknownAlgorithm),
            ("$2$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3ee", .unknownAlgorithm),
            ("$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", .unknownAlgorithm),
            ("*0", .unknownAlgorithm), ("!", .unknownAlgorithm),
            ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOé", .notASCII),
            ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n", .notASCII),
            ("$2b$05$\u{0}CCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .notASCII),
            (" $2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .notASCII),
            (String(repeating: "$", count: 512), .unknownAlgorithm),
            (String(repeating: "$", count: 513), .hashTooLong(limit: 512)),
        ])
    func refused(text: String, error: PasswordHashError) {
        #expect(throws: error) { try PasswordHash(parsing: text) }
    }

    @Test("rule 34: a valid string changed, cut or grown at any place never stops the process")
    func mutations() {
        let texts = [
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ]
        var others: [[UInt8]] = []
        for text in texts.map({ Array($0.utf8) }) {
            for place in text.indices {
                others += (UInt8.min...UInt8.max).map { text[..<place] + [$0] + text[(place + 1)...] }
                others += [text[..<place] + [], text[..<place] + [0x24] + text[place...], text + text[place...]]
            }
        }
        var taken = 0
        for other in others {
            guard let hash = try? PasswordHash(parsing: String(decoding: other, as: UTF8.self)) else { continue }
            // Whatever is taken is exactly what was given.
            #expect(Array(hash.text.utf8) == other)
            taken += 1
        }
        #expect(taken > 1000)
    }
}
