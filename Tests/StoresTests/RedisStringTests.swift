import Access
import Testing
import Wire

@testable import Stores

/// What is read in place of Redis' answers, and what is left to hiredis.
@Suite("Redis strings")
struct RedisStringTests {
    private func read(_ text: String) -> (octets: [UInt8], length: Int)? {
        let input = Buffer()
        input.append(text: text)
        return RedisString(input.octets).map { (input.array($0.octets), $0.length) }
    }

    @Test(
        "a string that is there whole, whatever comes behind it",
        arguments: [
            ("$5\r\nhello\r\n", "hello"), ("$0\r\n\r\n", ""), ("$2\r\n\r\n\r\n", "\r\n"), ("$1\r\n$\r\n", "$"),
            ("$5\r\nhello\r\n$-1\r\n", "hello"),
            ("$12\r\nhello, world\r\n+OK\r\n", "hello, world"),
        ])
    func whole(reply: String, string: String) throws {
        let found = try #require(read(reply))
        #expect(found.octets == Array(string.utf8))
        #expect(found.length == "$\(string.utf8.count)\r\n\(string)\r\n".utf8.count)
    }

    @Test("cut off anywhere, it is left to hiredis")
    func cutOff() {
        let reply = "$12\r\nhello, world\r\n"
        for count in 0..<reply.utf8.count { #expect(read(String(decoding: Array(reply.utf8).prefix(count), as: UTF8.self)) == nil) }
        #expect(read(reply) != nil)
    }

    @Test(
        "what is no string, or not written as Redis writes one, is left to hiredis",
        arguments: [
            "$-1\r\n", "$\r\n\r\n", "$05\r\nhello\r\n", "$00\r\n\r\n", "$+5\r\nhello\r\n", "$ 5\r\nhello\r\n", "$5 \r\nhello\r\n",
            "$5\nhello\r\n",
            "$5\r\nhello\n\n", "$4\r\nhello\r\n", "$6\r\nhello\r\n", "$5\r\rhello\r\n", "$12345678\r\nhello\r\n",
            "$99999999999999999999\r\nhello\r\n",
            "+OK\r\n", "-ERR\r\n", ":5\r\n", "*1\r\n$5\r\nhello\r\n", "hello\r\n",
        ])
    func others(reply: String) { #expect(read(reply) == nil) }

    @Test("a check's command is written as the general one would be")
    func command() throws {
        let key = try SessionID.random().key
        let (direct, general) = (Buffer(), Buffer())
        RedisKey.appendGet(key, to: direct)
        try RedisCommand("GET", RedisKey.session(key)).append(to: general)
        #expect(direct.array(ByteRange(offset: 0, count: direct.count)) == general.array(ByteRange(offset: 0, count: general.count)))
    }

    @Test("many checks in flight are each answered with what is theirs: a session, nothing, an error, a record that cannot be read")
    func inFlight() async throws {
        let server = try RedisServer()
        let worker = try TestWorker()
        let now = SessionRecord.start
        try await worker.run { worker in
            let store = RedisSessionStore(
                RedisLocation(host: "127.0.0.1", port: server.port), loop: worker.loop, pool: worker.pool,
                timeouts: RedisSessionStoreTests.patient())
            worker.store = store
            let sessions = try (0..<20).map { _ in try SessionRecord.sample() }
            for session in sessions { try await store.insert(session, now: now) }
            let (unknown, wrong, corrupt) = (try SessionID.random().key, try SessionID.random().key, try SessionID.random().key)
            _ = try server.ask("LPUSH", "gatehouse:session:" + wrong.text, "x")
            _ = try server.ask("SET", "gatehouse:session:" + corrupt.text, "")
            for _ in 0..<3 {
                var tasks: [(SessionRecord?, Bool, Task<Result<SessionRecord?, StoreError>, any Error>)] = []
                for session in sessions {
                    for (key, expected, fails) in [
                        (session.key, session, false), (unknown, nil, false), (wrong, nil, true), (corrupt, nil, true),
                    ] as [(SessionKey, SessionRecord?, Bool)] {
                        let task = worker.start { store, _ in
                            do throws(StoreError) {
                                return Result<SessionRecord?, StoreError>.success(try await store.find(key, now: now))
                            } catch {
                                return .failure(error)
                            }
                        }
                        tasks.append((expected, fails, task))
                    }
                }
                for (expected, fails, task) in tasks {
                    switch try await task.value {
                    case .success(let found): #expect(found == expected && !fails)
                    case .failure(let error):
                        guard case .corrupt = error else { throw error }
                        #expect(fails)
                    }
                }
            }
        }
    }

    @Test("a string that comes in pieces is put together, at every place to cut, also where the rest looks like a string of its own")
    func pieces() async throws {
        let string = Array("ab$2\r\nno\r\n$-1\r\n+OK\r\ncd".utf8)
        let reply = Array("$\(string.count)\r\n".utf8) + string + Array("\r\n".utf8)
        let server = try FakeRedis(.pieces(reply))
        let worker = try TestWorker()
        let key = try SessionID.random().key
        try await worker.run { worker in
            let connection = RedisConnection(
                RedisLocation(host: "127.0.0.1", port: server.port), timeouts: RedisSessionStoreTests.patient(), loop: worker.loop,
                pool: worker.pool)
            for _ in reply.indices {
                let found = try await connection.lookUp("GET", timeout: 5_000) { output in
                    RedisKey.appendGet(key, to: output)
                } read: { value in
                    unsafe value.withUnsafeBytes { unsafe Array($0) }
                }
                #expect(found == string)
            }
        }
    }
}
