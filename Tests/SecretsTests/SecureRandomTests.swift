import COpenSSL
import Testing

@testable import Secrets

@Suite("random octets")
struct SecureRandomTests {
    @Test("as many as asked for, and others each time")
    func counts() throws {
        #expect(try SecureRandom.bytes(0).isEmpty)
        #expect(try SecureRandom.bytes(4096).count == 4096)
        let ids = try Set((0..<1000).map { _ in try SecureRandom.bytes(32) })
        #expect(ids.count == 1000)
    }

    @Test("a count that cannot be had is an error", arguments: [-1, Int.min, SecureRandom.limit + 1, Int.max])
    func impossible(count: Int) {
        #expect(throws: SecretsError.randomCount(count)) { try SecureRandom.bytes(count) }
    }

    // The generator is the whole process's, so the failing one is put into a process of its own.
    @Test("rule 38: a generator that fails is an error, for octets, hashes and files alike")
    func failure() async {
        await #expect(processExitsWith: .success) {
            // A method without functions: OpenSSL fails and notes an error.
            unsafe withUnsafePointer(to: RAND_METHOD()) { method in
                _ = unsafe RAND_set_rand_method(method)
                defer { _ = RAND_set_rand_method(nil) }
                #expect(throws: SecretsError.randomUnavailable) { try SecureRandom.bytes(32) }
                #expect(throws: PasswordHashError.randomUnavailable) { try PasswordPolicy.standard.hash([1, 2, 3]) }
                let path = "/tmp/gatehouse-no-random-\(UInt64.random(in: 0...UInt64.max))"
                #expect(throws: SecretsError.randomUnavailable) { try SecretFile.generate(at: path) }
                #expect(throws: SecretsError.self) { try SecretFile.load(fromFile: path) }
                // What OpenSSL noted of the failure would be taken for the fault of the next TLS call.
                #expect(ERR_peek_error() == 0)
            }
        }
    }
}
