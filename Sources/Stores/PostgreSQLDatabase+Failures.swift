package import Access

/// Failed sign-ins, one row per key that has any. `ThrottleStore` says what each call means.
extension PostgreSQLDatabase {
    package func updateFailures<Result>(
        _ keys: ThrottleKeys, _ change: (inout FailureCounts) -> Result
    ) throws(StoreError) -> Result {
        try transaction { call throws(StoreError) in
            // Rows that are not there yet cannot be locked, so the keys are: in one order everywhere, against deadlocks.
            let locks = [keys.pair, keys.address, keys.account].map(Self.lock).sorted()
            _ = try call.row(Self.lockKeys, locks.map { .integer($0) })
            let texts: [PostgreSQLValue] = [.text(keys.pair.text), .text(keys.address.text), .text(keys.account.text)]
            var held: [String: FailureCount] = [:]
            for row in try call.rows(Self.failures, texts, atMost: 3) {
                guard let key = row.text(0, atMost: 64), let failures = row.integer(1), let lastFailureAt = row.integer(2),
                    let lastSuccessAt = row.integer(3)
                else { throw .corrupt("a row of login_failures does not hold three integers") }
                held[key] = FailureCount(failures: failures, lastFailureAt: lastFailureAt, lastSuccessAt: lastSuccessAt)
            }
            let before = FailureCounts(
                pair: held[keys.pair.text] ?? .none, address: held[keys.address.text] ?? .none,
                account: held[keys.account.text] ?? .none)
            var after = before
            let result = change(&after)
            try Self.store(call, keys.pair, before.pair, after.pair)
            try Self.store(call, keys.address, before.address, after.address)
            try Self.store(call, keys.account, before.account, after.account)
            return result
        }
    }

    /// Removes at most one batch. Fewer than `purgeBatch`: there was no more that nobody else is removing or changing.
    package func purgeFailureBatch(before moment: Int64) throws(StoreError) -> Int {
        try call(timeouts.list) { call throws(StoreError) in
            try call.change(Self.purgeFailures, [.integer(moment), .integer(Int64(Self.purgeBatch))])
        }
    }

    private static func store(
        _ call: borrowing PostgreSQLSession, _ key: ThrottleKey, _ before: FailureCount, _ after: FailureCount
    ) throws(StoreError) {
        guard after != before else { return }
        guard after != .none else {
            try call.change(removeFailures, [.text(key.text)])
            return
        }
        try call.change(
            storeFailures,
            [.text(key.text), .integer(after.failures), .integer(after.lastFailureAt), .integer(after.lastSuccessAt)])
    }

    /// The number of the lock of `key`: 48 random bits. Two keys that share one only wait for each other.
    private static func lock(_ key: ThrottleKey) -> Int64 {
        Int64(bitPattern: key.text.utf8.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private static let lockKeys = PostgreSQLStatement(
        "lock_failures", "SELECT pg_advisory_xact_lock($1), pg_advisory_xact_lock($2), pg_advisory_xact_lock($3)",
        [.bigint, .bigint, .bigint], returns: [.void, .void, .void])
    private static let failures = PostgreSQLStatement(
        "failures",
        "SELECT left(key, 65), failures, last_failure_at, last_success_at FROM login_failures WHERE key IN ($1, $2, $3)",
        [.text, .text, .text], returns: [.text, .bigint, .bigint, .bigint])
    private static let removeFailures = PostgreSQLStatement(
        "remove_failures", "DELETE FROM login_failures WHERE key = $1", [.text])
    private static let storeFailures = PostgreSQLStatement(
        "store_failures",
        """
        INSERT INTO login_failures (key, failures, last_failure_at, last_success_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET failures = $2, last_failure_at = $3, last_success_at = $4
        """, [.text, .bigint, .bigint, .bigint])
    private static let purgeFailures = PostgreSQLStatement(
        "purge_failures",
        """
        DELETE FROM login_failures WHERE key IN
            (SELECT key FROM login_failures WHERE greatest(last_failure_at, last_success_at) < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED)
        """, [.bigint, .bigint])
}
