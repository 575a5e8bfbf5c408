import Glibc
import Loop

/// Runs `body`, which may block, on a thread of its own: the test's tasks share a pool of a few threads, and two tests that block
/// there would keep all others from going on.
func onThread<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
    let result: Result<T, any Error> = await withCheckedContinuation { continuation in
        do {
            _ = try Loop.Thread.start(name: "test") { continuation.resume(returning: Result { try body() }) }
        } catch {
            continuation.resume(returning: .failure(error))
        }
    }
    return try result.get()
}

/// Raised by one thread and waited for by another, which gives up after ten seconds.
@safe
final class Signal: @unchecked Sendable {
    // `@unchecked Sendable`: sem_post and sem_timedwait are what threads may share (sem_overview(7)).
    private let handle: UnsafeMutablePointer<sem_t>

    init() {
        unsafe handle = .allocate(capacity: 1)
        unsafe sem_init(handle, 0, 0)
    }

    deinit {
        unsafe sem_destroy(handle)
        unsafe handle.deallocate()
    }

    func raise() { unsafe sem_post(handle) }

    @discardableResult
    func wait() -> Bool {
        var bound = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &bound)
        bound.tv_sec += 10
        return unsafe sem_timedwait(handle, &bound) == 0
    }
}
