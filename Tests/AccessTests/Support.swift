import Secrets
import Wire

@testable import Access

/// A moment for tests: 2026-01-01T00:00:00Z, in milliseconds.
let noon: Int64 = 1_767_225_600_000

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func user(
    _ username: String = "alice", role: String = "user", hash: String = "", isDisabled: Bool = false
) throws -> UserRecord {
    UserRecord(id: try UserID("101"), username: username, passwordHash: hash, role: role, isDisabled: isDisabled)
}

func identity(
    _ username: String = "alice", role: String = "user", by method: Identity.Method = .token(jti: [])
) throws -> Identity {
    try Identity(userID: UserID("101"), username: bytes(username), role: bytes(role), method: method, expiresAt: noon)
}

/// splitmix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
