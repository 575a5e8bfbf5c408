import CShims
import Glibc

/// The service manager that started this process and wants to know how it is (sd_notify(3)); without one, nothing is said.
package struct ServiceManager: Sendable {
    /// A path, or a name of the abstract namespace behind "@".
    private let socketName: String?

    /// The manager at `NOTIFY_SOCKET`, if there is any.
    package init(environment: [String: String]) { socketName = environment["NOTIFY_SOCKET"] }

    /// All listeners are open.
    package func ready() { send("READY=1") }

    /// New settings are read; `ready` follows. Needs the time at which that began, by the clock that no one sets.
    package func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonic() / 1_000)") }

    package func stopping() { send("STOPPING=1") }

    /// One line that `systemctl status` shows.
    package func status(_ text: String) {
        send("STATUS=\(text.split(separator: "\n", maxSplits: 1).first ?? "")")
    }

    /// A manager that cannot be told is not worth failing for: it has time-outs of its own.
    private func send(_ text: String) {
        guard let socketName, !socketName.isEmpty else { return }
        var name = Array(socketName.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard name.count <= room else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL), address, size)
            }
        }
    }
}
