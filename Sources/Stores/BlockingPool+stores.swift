internal import Access
internal import Loop

extension BlockingPool {
    /// Runs a store's blocking call and comes back to the caller's worker with what it returned or threw.
    /// - Parameter store: who is asked, for the message when too many calls wait already.
    func call<T: Sendable>(
        _ store: @autoclosure () -> String, _ body: @escaping @Sendable () throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        let result: Result<T, StoreError>
        do {
            result = try await run { do throws(StoreError) { return .success(try body()) } catch { return .failure(error) } }
        } catch {
            throw .unavailable("\(store()): too many calls wait already")
        }
        return try result.get()
    }
}

/// Removes batch after batch until one is not full. Each is a call of its own, so that a long purge holds no thread and no connection for
/// long.
/// - Returns: how many were removed.
func removeBatches(
    of size: Int, _ removeOne: () async throws(StoreError) -> Int
) async throws(StoreError) -> Int {
    var count = 0
    while true {
        let batch = try await removeOne()
        count += batch
        if batch < size { return count }
    }
}
