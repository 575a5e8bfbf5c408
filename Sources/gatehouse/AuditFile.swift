import Glibc
import Loop
import Synchronization

/// The audit log where it is a file, which the gateway and the commands share.
final class AuditFile: Sendable {
    let path: String
    let descriptor: Int32
    private let isStuck = Atomic(false)

    init(_ path: String) throws(CommandFailure) {
        self.path = path
        descriptor = try Self.open(path)
    }

    /// Opens the file for appending, and makes it for its owner alone where there is none.
    ///
    /// With O_APPEND each write lands whole behind the last (open(2)), whichever process it comes from.
    private static func open(_ path: String) throws(CommandFailure) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                """
                gatehouse: the audit log cannot be opened: \(SystemError("open", path))
                Make its folder, or let this user (uid \(geteuid())) write there, or set log.audit to stdout, stderr or off.
                """, status: .configuration)
        }
        return descriptor
    }

    /// Makes the descriptor that of the file that bears the name now: whoever rotates the log renames it, and the next line begins a
    /// new one. As long as that cannot be opened, lines go where they went, and that is reported once. For one thread.
    func follow(_ report: (String) -> Void) {
        var named = stat()
        var held = stat()
        if unsafe stat(path, &named) == 0, unsafe fstat(descriptor, &held) == 0, named.st_ino == held.st_ino, named.st_dev == held.st_dev {
            return
        }
        do throws(CommandFailure) {
            let new = try Self.open(path)
            // In one step, so that the descriptor is never closed for anybody.
            _ = dup2(new, descriptor)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            close(new)
            isStuck.store(false, ordering: .relaxed)
        } catch {
            if !isStuck.exchange(true, ordering: .relaxed) { report(error.message) }
        }
    }
}
