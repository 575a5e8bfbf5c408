import CShims
import Glibc

/// Why no connection was made.
package enum ConnectError: Error, Equatable, CustomStringConvertible {
    case timedOut
    case failed(SystemError)

    package var description: String {
        switch self {
        case .timedOut: "no answer in time"
        case .failed(let error): error.description
        }
    }
}

extension Socket {
    /// Connects to `address`, parking the calling task on `waiter` until `deadline` (monotonic nanoseconds) at the latest.
    package static func connect(
        to address: SocketAddress, loop: EventLoop, waiter: Waiter, until deadline: UInt64
    ) async throws(ConnectError) -> Socket {
        let descriptor = gh_stream_socket(address.family)
        guard descriptor >= 0 else { throw .failed(SystemError("socket")) }
        Socket.setOption(descriptor, IPPROTO_TCP_LEVEL, TCP_NODELAY, 1)
        let result = unsafe address.withSystemAddress { unsafe Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            let error = SystemError("connect", address.text)
            Glibc.close(descriptor)
            throw .failed(error)
        }
        let socket: Socket
        do throws(SystemError) {
            socket = try Socket(adopting: descriptor, loop: loop, isConnected: result == 0)
        } catch {
            throw .failed(error)
        }
        socket.waiter = waiter
        while !socket.mayWrite {
            guard await waiter.wait(until: deadline) else { throw .timedOut }
        }
        let code = socket.pendingError()
        guard code == 0 else { throw .failed(SystemError("connect", address.text, code: code)) }
        return socket
    }

    /// The error that the connection has met, and forgets by being asked (SO_ERROR, socket(7)); 0: none.
    private func pendingError() -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        return code
    }

    static let IPPROTO_TCP_LEVEL = Int32(IPPROTO_TCP)

    @discardableResult
    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}
