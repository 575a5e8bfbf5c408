import Secrets
import Testing

@testable import Access

@Suite struct PasswordCheckTests {
    private let password = bytes("secret123")

    private func policy(_ cost: Int = 4) throws -> PasswordPolicy { try .bcrypt(cost: cost) }

    @Test func right() throws {
        let alice = try user(hash: policy().hash(password))
        #expect(try PasswordCheck(of: alice, policy: policy()).run(password) == .signedIn(alice, rehash: false))
    }

    @Test("rule 32: unknown, disabled, wrong and unreadable get one answer")
    func wrong() throws {
        let hash = try policy().hash(password)
        for (user, password) in [
            (nil, password), (try user(hash: hash), bytes("secret124")), (try user(hash: hash), []),
            (try user(hash: hash, isDisabled: true), password), (try user(hash: ""), password),
            (try user(hash: "secret123"), password), (try user(hash: hash + "x"), password),
        ] as [(UserRecord?, [UInt8])] {
            #expect(try PasswordCheck(of: user, policy: policy()).run(password) == .wrongCredentials)
        }
    }

    @Test("rule 32: one hash is computed whoever is asked for, with the policy's algorithm and cost where there is none")
    func sameWork() throws {
        let dummy = try policy().dummy()
        #expect(try PasswordCheck(of: nil, policy: policy()).hash == dummy)
        #expect(try PasswordCheck(of: user(hash: "$2a$31$x"), policy: policy()).hash == dummy)
        let hash = try policy().hash(password)
        let disabled = try PasswordCheck(of: user(hash: hash, isDisabled: true), policy: policy())
        #expect(disabled.hash.text == hash)
    }

    @Test("rule 32: a dummy that matched would still sign nobody in")
    func dummyMatches() throws {
        #expect(try PasswordCheck(of: nil, policy: policy()).outcome(matches: true) == .wrongCredentials)
        #expect(try PasswordCheck(of: user(hash: "?"), policy: policy()).outcome(matches: true) == .wrongCredentials)
    }

    @Test("rule 34: a hash that cannot be read is told to the log")
    func fault() throws {
        #expect(try PasswordCheck(of: user(hash: "md5"), policy: policy()).fault == .unknownAlgorithm)
        #expect(try PasswordCheck(of: nil, policy: policy()).fault == nil)
    }

    @Test("a hash weaker than the policy is to be made anew", arguments: [(4, 5, true), (5, 5, false), (5, 4, false)])
    func rehash(stored: Int, wanted: Int, expected: Bool) throws {
        let alice = try user(hash: policy(stored).hash(password))
        #expect(try PasswordCheck(of: alice, policy: policy(wanted)).run(password) == .signedIn(alice, rehash: expected))
    }
}
