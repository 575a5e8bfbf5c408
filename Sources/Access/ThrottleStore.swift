/// Where failed sign-ins are counted: beside the users, so that a restart forgets none (rule 35).
package protocol ThrottleStore: AnyObject {
    /// Reads the three counts (nothing stored: `FailureCount.none`), lets `change` alter them, and writes back those that differ
    /// (a count equal to `.none` has its row removed): all in one transaction, so that parallel attempts cannot all see the
    /// same low count. `change` is one of `Throttle`'s functions; it neither waits nor fails.
    func update<Result: Sendable>(
        _ keys: ThrottleKeys, _ change: @escaping @Sendable (inout FailureCounts) -> Result
    ) async throws(StoreError) -> Result
    /// Removes the counts whose `lastChangeAt` is before `moment` (milliseconds since 1970), and says how many.
    func purgeFailures(before moment: Int64) async throws(StoreError) -> Int
}
