import CShims
import Glibc

/// Listening sockets that a service manager opened and handed to this process (sd_listen_fds(3)): it keeps them while the
/// process is replaced, so clients wait and none is refused.
package struct InheritedSockets: Sendable {
    private let descriptors: [(address: SocketAddress, descriptor: Int32)]

    /// None.
    package init() { descriptors = [] }

    /// Those that `LISTEN_PID` and `LISTEN_FDS` name. Call once, early; the variables are taken out of the environment, so that no
    /// child takes the sockets for its own.
    package init(environment: [String: String]) {
        defer {
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        }
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...InheritedSockets.most).contains(count)
        else {
            descriptors = []
            return
        }
        descriptors = (InheritedSockets.first..<InheritedSockets.first + count).compactMap { descriptor in
            guard gh_adopt(descriptor) == 0, let address = SocketAddress(ofLocalEnd: descriptor) else { return nil }
            return (address, descriptor)
        }
    }

    /// SD_LISTEN_FDS_START.
    private static let first: Int32 = 3
    private static let most: Int32 = 1_024

    package var addresses: [SocketAddress] { descriptors.map(\.address) }

    package func holds(_ address: SocketAddress) -> Bool { descriptors.contains { $0.address == address } }

    /// New descriptors of the sockets at `address` that are worker `index`'s of `workers`: each socket is some worker's, and each
    /// worker has at least one, which it may share. They are the caller's to close.
    package func take(_ address: SocketAddress, worker index: Int, of workers: Int) throws(SystemError) -> [Int32] {
        let all = descriptors.filter { $0.address == address }.map(\.descriptor)
        guard !all.isEmpty else { return [] }
        var taken: [Int32] = []
        let places = all.count <= workers ? [index % all.count] : Array(stride(from: index, to: all.count, by: workers))
        for place in places {
            let copy = gh_duplicate(all[place])
            guard copy >= 0 else {
                let error = SystemError("fcntl", address.text)
                for descriptor in taken { close(descriptor) }
                throw error
            }
            taken.append(copy)
        }
        return taken
    }
}
