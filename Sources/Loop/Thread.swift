import CShims
import Glibc

/// A POSIX thread (pthread_create(3)).
@safe
package struct Thread: @unchecked Sendable {
    // `@unchecked Sendable`: a pthread_t is a plain number on Linux, and the calls that take it are thread-safe.
    private let handle: pthread_t

    /// The calling thread, as a number that no other living thread has.
    package static var current: UInt { pthread_self() }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread. `name` shows in top(1); the kernel keeps its first 15 octets.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) -> Thread {
        var handle = pthread_t()
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        let code = unsafe pthread_create(
            &handle, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe gh_thread_name(String(start.name.prefix(15)))
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", name, code: code)
        }
        return Thread(handle: handle)
    }

    /// Waits until the thread has ended. Call once.
    package func join() { pthread_join(handle, nil) }
}
