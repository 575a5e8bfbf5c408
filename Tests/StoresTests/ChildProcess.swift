import Glibc
import Synchronization

/// A program that the test started, and that it stops again by its process id.
final class ChildProcess: Sendable {
    let pid: pid_t
    private let isRunning = Atomic<Bool>(true)

    init(_ arguments: [String]) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var pid: pid_t = 0
        let copies = unsafe arguments.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&pid, arguments[0], &actions, nil, copies + [nil], environ)
        guard code == 0 else { throw TestFailure("cannot start \(arguments[0]): error \(code)") }
        self.pid = pid
    }

    deinit { stop() }

    func signal(_ signal: Int32) { kill(pid, signal) }

    /// Whether it has not ended by itself.
    var isAlive: Bool {
        guard isRunning.load(ordering: .relaxed) else { return false }
        if waitpid(pid, nil, WNOHANG) == 0 { return true }
        // Its id may by now be somebody else's.
        isRunning.store(false, ordering: .relaxed)
        return false
    }

    /// Waits for its end by itself, and tells whether it exited with 0.
    func succeeds() -> Bool {
        var status: Int32 = 0
        let ended = unsafe waitpid(pid, &status, 0)
        isRunning.store(false, ordering: .relaxed)
        return ended == pid && status == 0
    }

    /// Ends the program and waits for its end. SIGKILL, because a child of a dispatch thread is born with the others
    /// blocked.
    func stop() {
        guard isRunning.exchange(false, ordering: .relaxed) else { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}
