import Access
import Gateway
import Glibc
import Loop
import Settings

/// What a command tells the audit log: to the gateway's file where that is one, else to standard error, where a command says all that is
/// not its result. Opened before anything is changed: a change that cannot be written down is not made.
struct CommandAudit: Sendable {
    /// Nil: the audit log is off.
    private let descriptor: Int32?

    init(_ settings: Settings) throws(CommandFailure) {
        switch settings.log.audit {
        case .off: descriptor = nil
        case .standardOutput, .standardError: descriptor = STDERR_FILENO
        case .file(let path): descriptor = try AuditFile(path).descriptor
        }
    }

    /// Writes the event in one go, so that it stays one line between the gateway's.
    /// - Throws: when it could not be written; what it tells of has happened.
    func record(_ event: AuditEvent) throws(CommandFailure) {
        guard let descriptor else { return }
        let line = AuditLog.line(event, at: Moment.now, by: .person(.current))
        var count: Int
        repeat { count = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) } } while count < 0 && errno == EINTR
        let why = count < 0 ? SystemError.text(errno) : "only \(count) of its \(line.count) octets were taken"
        guard count == line.count else {
            throw CommandFailure("gatehouse: done, but the audit log could not be written: \(why)")
        }
    }

    /// A command has changed `user`.
    func record(_ name: AuditEvent.Name, of user: UserRecord) throws(CommandFailure) {
        try record(AuditEvent(name, .ok, .byOperator, of: user))
    }
}
