import Access
import Loop

/// Asks a store whether it is there. However many want to know, one question at a time is under way: a store that does not
/// answer is not buried in questions.
final class StoreProbe {
    private let loop: EventLoop
    private let ping: () async throws(StoreError) -> Void
    private var isAsking = false
    private var waiters: [Waiter] = []
    /// Of the last question that was answered.
    private var lastFault: String?

    init(loop: EventLoop, ping: @escaping () async throws(StoreError) -> Void) {
        self.loop = loop
        self.ping = ping
    }

    /// Asks, if no question is under way.
    func ask() {
        guard !isAsking else { return }
        isAsking = true
        // Safe: the task runs on the loop of the worker that this object belongs to, so on the same thread.
        nonisolated(unsafe) let probe = self
        Task(executorPreference: loop) { await unsafe probe.run() }
    }

    /// Why the store cannot be used; nil when it answered well.
    /// - Parameter deadline: monotonic nanoseconds.
    func fault(_ waiter: Waiter, until deadline: UInt64) async -> String? {
        while isAsking {
            waiters.append(waiter)
            guard await waiter.wait(until: deadline) else {
                waiters.removeAll { $0 === waiter }
                return "no answer within \(Readiness.patience) ms"
            }
            waiters.removeAll { $0 === waiter }
        }
        return lastFault
    }

    private func run() async {
        do throws(StoreError) {
            try await ping()
            lastFault = nil
        } catch {
            lastFault = error.description
        }
        isAsking = false
        for waiter in waiters { waiter.wake() }
    }
}
