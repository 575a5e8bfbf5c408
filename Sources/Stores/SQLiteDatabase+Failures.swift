package import Access
internal import GRDB

/// Failed sign-ins, one row per key that has any. `ThrottleStore` says what each call means.
extension SQLiteDatabase {
    package func updateFailures<Result>(
        _ keys: ThrottleKeys, _ change: (inout FailureCounts) -> Result
    ) throws(StoreError) -> Result {
        try transaction { db in
            let before = FailureCounts(
                pair: try Self.failures(db, keys.pair), address: try Self.failures(db, keys.address),
                account: try Self.failures(db, keys.account))
            var after = before
            let result = change(&after)
            try Self.store(db, keys.pair, before.pair, after.pair)
            try Self.store(db, keys.address, before.address, after.address)
            try Self.store(db, keys.account, before.account, after.account)
            return result
        }
    }

    /// Removes at most one batch. Fewer than `purgeBatch`: there was no more.
    package func purgeFailureBatch(before moment: Int64) throws(StoreError) -> Int {
        try write { db in
            try db.cachedStatement(
                sql: """
                    DELETE FROM login_failures WHERE key IN
                        (SELECT key FROM login_failures WHERE max(last_failure_at, last_success_at) < ? LIMIT ?)
                    """
            ).execute(arguments: [moment, Self.purgeBatch])
            return db.changesCount
        }
    }

    private static func failures(_ db: Database, _ key: ThrottleKey) throws -> FailureCount {
        let statement = try db.cachedStatement(
            sql: "SELECT failures, last_failure_at, last_success_at FROM login_failures WHERE key = ?")
        guard let row = try Row.fetchOne(statement, arguments: [key.text]) else { return .none }
        guard let failures = row.integer(0), let lastFailureAt = row.integer(1), let lastSuccessAt = row.integer(2) else {
            throw StoreError.corrupt("a row of login_failures does not hold three integers")
        }
        return FailureCount(failures: failures, lastFailureAt: lastFailureAt, lastSuccessAt: lastSuccessAt)
    }

    private static func store(_ db: Database, _ key: ThrottleKey, _ before: FailureCount, _ after: FailureCount) throws {
        guard after != before else { return }
        guard after != .none else {
            try db.cachedStatement(sql: "DELETE FROM login_failures WHERE key = ?").execute(arguments: [key.text])
            return
        }
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO login_failures (key, failures, last_failure_at, last_success_at)
                VALUES (?, ?, ?, ?)
                """
        ).execute(arguments: [key.text, after.failures, after.lastFailureAt, after.lastSuccessAt])
    }
}
