internal import Access
internal import Loop

/// Commands of one task that belong together, and the replies to them so far.
final class RedisExchange {
    let waiter: Waiter
    let expected: Int
    var replies: [RedisReply] = []
    private(set) var failure: StoreError?
    private(set) var isDone = false

    init(waiter: Waiter, expected: Int) {
        self.waiter = waiter
        self.expected = expected
    }

    convenience init(loop: EventLoop, expected: Int) {
        self.init(waiter: Waiter(loop: loop), expected: expected)
    }

    func finish(_ failure: StoreError? = nil) {
        isDone = true
        self.failure = failure
        waiter.wake()
    }
}

/// Exchanges in the order in which their replies will come.
struct RedisQueue {
    private var exchanges: [RedisExchange] = []
    private var head = 0

    var count: Int { exchanges.count - head }
    var isEmpty: Bool { count == 0 }
    var first: RedisExchange? { isEmpty ? nil : exchanges[head] }

    mutating func append(_ exchange: RedisExchange) { exchanges.append(exchange) }

    mutating func removeFirst() {
        head += 1
        // What is done is dropped in bulk: one by one would move the rest each time.
        if head == exchanges.count {
            exchanges.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256 {
            exchanges.removeFirst(head)
            head = 0
        }
    }

    func forEach(_ body: (RedisExchange) -> Void) { exchanges[head...].forEach(body) }
}
