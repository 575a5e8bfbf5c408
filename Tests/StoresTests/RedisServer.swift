import Glibc
import Synchronization

/// A real redis-server on a free port of the loopback address, without persistence. It can be killed and started again.
final class RedisServer: Sendable {
    let port: UInt16
    private let arguments: [String]
    private let folder: TemporaryFolder
    private let process: Mutex<ChildProcess?>

    init(_ settings: [String] = []) throws {
        folder = try TemporaryFolder()
        port = try TCP.freePort()
        arguments =
            ["redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
            + ["--dir", folder.path] + settings
        process = Mutex(nil)
        try start()
    }

    func start() throws {
        try process.withLock { $0 = try ChildProcess(arguments) }
        for _ in 0..<500 {
            if let descriptor = TCP.connect(port) {
                close(descriptor)
                return
            }
            usleep(10_000)
        }
        throw TestFailure("redis-server did not start")
    }

    func stop(_ signal: Int32 = SIGKILL) {
        process.withLock { process in
            process?.stop(signal)
            process = nil
        }
    }

    func signal(_ signal: Int32) { process.withLock { $0?.signal(signal) } }

    /// Asks the server without any of the code under test: what redis-cli would print.
    func ask(_ command: String...) throws -> String {
        guard let descriptor = TCP.connect(port) else { throw TestFailure("redis-server is not there") }
        defer { close(descriptor) }
        var octets = Array("*\(command.count)\r\n".utf8)
        for argument in command { octets += Array("$\(argument.utf8.count)\r\n\(argument)\r\n".utf8) }
        TCP.send(descriptor, octets)
        shutdown(descriptor, Int32(SHUT_WR))
        return String(decoding: TCP.receiveAll(descriptor), as: UTF8.self)
    }
}

/// Plain blocking sockets, for what stands on the other side of the code under test.
enum TCP {
    static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A listening socket of the loopback address and its port; 0: any free one.
    static func listen(_ port: UInt16 = 0) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = address(port)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard unsafe bind(descriptor, pointer, size) == 0, Glibc.listen(descriptor, 64) == 0 else { return Int32(-1) }
                return unsafe getsockname(descriptor, pointer, &size)
            }
        }
        guard code == 0 else { throw TestFailure("cannot listen") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func freePort() throws -> UInt16 {
        let (descriptor, port) = try listen()
        close(descriptor)
        return port
    }

    static func connect(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = address(port)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    static func send(_ descriptor: Int32, _ octets: [UInt8]) {
        var sent = 0
        while sent < octets.count {
            let count = unsafe octets.withUnsafeBytes { octets in
                unsafe Glibc.send(descriptor, octets.baseAddress! + sent, octets.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    static func receive(_ descriptor: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, count)))
    }

    static func receiveAll(_ descriptor: Int32) -> [UInt8] {
        var octets: [UInt8] = []
        while true {
            let more = receive(descriptor)
            if more.isEmpty { return octets }
            octets += more
        }
    }
}
