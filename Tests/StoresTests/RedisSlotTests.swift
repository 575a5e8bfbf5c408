import Testing

@testable import Stores

/// What a cluster says about its slots, as octets and values.
@Suite("Redis slots")
struct RedisSlotTests {
    private let asked = RedisEndpoint(host: "10.0.0.1", port: 7_000)

    @Test(
        "a key's slot, as the servers compute it",
        arguments: [
            // CRC-16/XMODEM of "123456789" is 0x31C3 (Redis Cluster specification, appendix A); the others from CLUSTER KEYSLOT.
            ("123456789", 12_739), ("", 0), ("foo", 12_182), ("{user1000}.following", 3_443), ("{user1000}.followers", 3_443),
            ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015), ("foo{bar}{zap}", 5_061), ("bar", 5_061), ("foo{bar", 15_278),
        ])
    func slots(key: String, slot: Int) {
        #expect(RedisSlot.of(Array(key.utf8)) == slot)
    }

    @Test("the slot of a command is its key's, and without arguments there is none")
    func command() {
        #expect(RedisCommand("GET", .word("foo")).slot == 12_182)
        #expect(RedisCommand("SET", .word("foo"), .word("bar")).slot == 12_182)
        #expect(RedisCommand("MULTI").slot == nil)
    }

    @Test("a slot of every key that is ours is where the servers look for it")
    func againstServer() throws {
        let server = try RedisServer(["--cluster-enabled", "yes", "--cluster-port", "\(try TCP.freePort())"])
        for key in ["foo{}{bar}", "foo{{bar}}zap", "foo{bar", "}{x", "gatehouse:user:%7Bx%7D:sessions", "{user1000}.following"] {
            #expect(Int(try server.integer("CLUSTER", "KEYSLOT", key)) == RedisSlot.of(Array(key.utf8)), "\(key)")
        }
    }

    @Test(
        "redirections, and what is none",
        arguments: [
            ("MOVED 3999 127.0.0.1:6381", "moved 3999 127.0.0.1:6381"), ("ASK 3999 127.0.0.1:6381", "ask 127.0.0.1:6381"),
            ("MOVED 1 :6381", "moved 1 10.0.0.1:6381"), ("MOVED 1 ::1:6381", "moved 1 [::1]:6381"),
            ("MOVED 1 redis-1.example:6381", "moved 1 redis-1.example:6381"), ("MOVED 16384 127.0.0.1:1", nil),
            ("MOVED -1 127.0.0.1:1", nil), ("MOVED 1 127.0.0.1:0", nil), ("MOVED 1 127.0.0.1:65536", nil),
            ("MOVED 1 127.0.0.1", nil), ("MOVED 1 a/b:1", nil), ("MOVED  1 a:1", nil), ("MOVED 1 ?:1", nil), ("MOVED", nil),
            ("MOVED 1 127.0.0.1:1 x", nil), ("moved 1 127.0.0.1:1", nil), ("ERR 1 127.0.0.1:1", nil), ("", nil),
        ] as [(String, String?)])
    func redirections(text: String, expected: String?) {
        let found: String? =
            switch RedisRedirection(Array(text.utf8), asked: asked) {
            case .moved(let slot, let endpoint): "moved \(slot) \(endpoint)"
            case .ask(let endpoint): "ask \(endpoint)"
            case nil: nil
            }
        #expect(found == expected)
    }

    private func row(_ first: Int64, _ last: Int64, _ host: RedisReply, _ port: Int64) -> RedisReply {
        .array([.integer(first), .integer(last), .array([host, .integer(port), .bulk(.word("id"))]), .array([])])
    }

    @Test("a map is read with its masters; a host that is left out is the one that was asked, one that is unknown is nobody")
    func map() throws {
        let reply = RedisReply.array([
            row(0, 5, .bulk(.word("10.0.0.2")), 1), row(6, 9, .bulk([]), 2), row(10, 11, .null, 3), row(12, 16_383, .bulk(.word("?")), 4),
            row(0, 5, .bulk(.word("a b")), 1), row(0, 5, .bulk(.word("a")), 65_536),
        ])
        let ranges = try #require(RedisSlotRange.read(reply, asked: asked))
        #expect(
            ranges.map { "\($0.first)-\($0.last) \($0.endpoint)" } == ["0-5 10.0.0.2:1", "6-9 10.0.0.1:2", "10-11 10.0.0.1:3"])
    }

    @Test("what is no map is not taken for one")
    func noMap() {
        let sound = row(0, 5, .bulk(.word("a")), 1)
        for reply in [
            .null, .status(.word("OK")), .array([sound, .null]), .array([.array([.integer(0)])]),
            .array([row(-1, 5, .bulk(.word("a")), 1)]), .array([row(0, 16_384, .bulk(.word("a")), 1)]),
            .array([row(6, 5, .bulk(.word("a")), 1)]),
        ] as [RedisReply] {
            #expect(RedisSlotRange.read(reply, asked: asked) == nil)
        }
    }
}
