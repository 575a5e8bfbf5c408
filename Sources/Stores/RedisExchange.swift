internal import Access
internal import Loop
internal import Wire

/// Commands of one task that belong together, and the replies to them so far.
final class RedisExchange {
    let waiter: Waiter
    let expected: Int
    private(set) var replies: [RedisReply] = []
    /// The string that answered a look-up; nil: this is none.
    let value: Buffer?
    /// There is a string, which may be empty.
    private(set) var hasValue = false
    private(set) var failure: StoreError?
    private(set) var isDone = false
    private var isParked = false
    /// The one behind it in the queue.
    var next: RedisExchange?

    init(waiter: Waiter, expected: Int) {
        self.waiter = waiter
        self.expected = expected
        value = nil
    }

    /// For one command that is answered with a string, or else with one reply.
    init(lookUp waiter: Waiter) {
        self.waiter = waiter
        expected = 1
        value = Buffer()
    }

    /// Takes one reply; the exchange may be complete with it.
    func take(_ reply: RedisReply) {
        if case .bulk(let octets) = reply, let value {
            value.append(octets)
            hasValue = true
        } else {
            replies.append(reply)
        }
        if hasValue || replies.count == expected { finish() }
    }

    /// Takes the string that a look-up is answered with.
    func take(_ string: RedisString, from input: Buffer) {
        value?.append(input, string.octets)
        hasValue = true
        finish()
    }

    func finish(_ failure: StoreError? = nil) {
        isDone = true
        self.failure = failure
        // Who is not parked looks by itself.
        if isParked { waiter.wake() }
    }

    /// Parks until something may have happened; false when the deadline passed.
    func wait(until deadline: UInt64) async -> Bool {
        isParked = true
        let isInTime = await waiter.wait(until: deadline)
        isParked = false
        return isInTime
    }

    /// A look-up that is done may be used for another one.
    func reset() {
        // A record has some two hundred octets. Memory for more is not kept, whatever Redis has answered.
        if let value, value.capacity > 4_096 { value.release() } else { value?.removeAll() }
        hasValue = false
        if !replies.isEmpty { replies.removeAll() }
        isDone = false
    }
}
