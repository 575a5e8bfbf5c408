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
            case .file(let path): try LineLog(following: AuditFile(path), report)
            }
        audit = lines.map { AuditLog($0, report: report) }
    }
}

extension LineLog {
    fileprivate convenience init(following file: AuditFile, _ report: @escaping @Sendable (String) -> Void) throws {
        try self.init(
            name: "the audit log \(file.path)", descriptor: file.descriptor, prepare: { file.follow(report) }, report: report)
    }
}
