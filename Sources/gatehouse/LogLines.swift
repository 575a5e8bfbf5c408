import Gateway
import Glibc
import Logging
import Loop
import Settings

/// The logs of the running gateway, opened as the settings say.
struct LogLines {
    /// Standard output. One writer for all that goes there, so that no line is torn by another.
    let output: LineLog
    /// Nil: it is off.
    let audit: AuditLog?

    /// - Throws: when the audit log's file cannot be opened: a gateway that is to be watched does not run unwatched.
    init(_ settings: Settings::Log, _ log: Logger) throws {
        let report: @Sendable (String) -> Void = { log.error("\($0)") }
        output = try LineLog(name: "standard output", descriptor: STDOUT_FILENO, report: report)
        let lines: LineLog? =
            switch settings.audit {
            case .off: nil
            case .standardOutput: output
            case .standardError: try LineLog(name: "the audit log", descriptor: STDERR_FILENO, report: report)
            case .file(let path):
                try LineLog(name: "the audit log \(path)", descriptor: try AuditFile.open(path), report: report)
            }
        audit = lines.map { AuditLog($0, report: report) }
    }
}

/// The audit log where it is a file, which the gateway and the commands share.
enum AuditFile {
    /// Opens the file for appending, and makes it for its owner alone where there is none.
    ///
    /// With O_APPEND each write lands whole behind the last (open(2)), whichever process it comes from.
    static func open(_ path: String) throws(CommandFailure) -> Int32 {
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
}
