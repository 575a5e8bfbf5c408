import Glibc
import Wire

/// Whose doing an event was.
package enum AuditActor: Sendable {
    /// A request to the gateway.
    case client(Client)
    /// A command on the gateway's machine.
    case person(Operator)

    package struct Client: Sendable {
        let address: IPAddress
        let requestID: RequestID
        let traceID: TraceID
        /// As the settings write it; nil: one of the gateway's own endpoints.
        let route: [UInt8]?
    }

    package struct Operator: Sendable, Equatable {
        package let uid: UInt32
        /// As whom the person signed in to the machine, also behind sudo; nil where nobody did, as in a container or from cron.
        package let login: [UInt8]?

        package init(uid: UInt32, login: [UInt8]?) {
            self.uid = uid
            self.login = login
        }

        /// Of this process (getuid(2), getlogin_r(3)).
        package static var current: Operator {
            var name = [CChar](repeating: 0, count: 256)
            let result = unsafe getlogin_r(&name, name.count)
            let login = result == 0 ? name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } : []
            return Operator(uid: getuid(), login: login.isEmpty ? nil : login)
        }
    }
}
