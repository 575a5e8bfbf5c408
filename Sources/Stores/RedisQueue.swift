/// Exchanges, the first one first: a list whose links stand in the exchanges. An object, because a change inside of a property that is
/// a value is checked for exclusive access at run time.
final class RedisQueue {
    private(set) var first: RedisExchange?
    private var last: RedisExchange?
    private(set) var count = 0

    var isEmpty: Bool { first == nil }

    /// - Parameter exchange: one that is in no queue.
    func append(_ exchange: RedisExchange) {
        if let last { last.next = exchange } else { first = exchange }
        last = exchange
        count += 1
    }

    @discardableResult
    func takeFirst() -> RedisExchange? {
        guard let taken = first else { return nil }
        first = taken.next
        taken.next = nil
        if first == nil { last = nil }
        count -= 1
        return taken
    }
}
