internal import Access

extension RedisConnection {
    /// Sends one command and returns its reply. An error reply is thrown.
    func send(_ command: RedisCommand, timeout: Int64) async throws(StoreError) -> RedisReply {
        let replies = try await exchange([command], timeout: timeout)
        guard let reply = replies.first else { throw unexpected(command, .null) }
        if case .error(let text) = reply { throw refused(command, text) }
        return reply
    }

    /// Sends commands without anybody else's in between and returns their replies, one for each. The first error reply
    /// is thrown.
    func send(_ commands: [RedisCommand], timeout: Int64) async throws(StoreError) -> [RedisReply] {
        let replies = try await exchange(commands, timeout: timeout)
        for (command, reply) in zip(commands, replies) {
            if case .error(let text) = reply { throw refused(command, text) }
        }
        return replies
    }
}
