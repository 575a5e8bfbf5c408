import Glibc
import Synchronization

/// A real redis-server on a free port of the loopback address, without persistence. It can be killed and started again.
final class RedisServer: Sendable {
    let port: UInt16
    private let arguments: [String]
    private let folder: TemporaryFolder
    private let process: Mutex<ChildProcess?>

    /// - Parameter sentinel: lines of a configuration that make it a sentinel, not a server.
    init(_ settings: [String] = [], sentinel: [String]? = nil) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let file = folder.file("sentinel.conf")
        for _ in 0..<20 {
            let port = try TCP.freePort()
            var arguments = ["redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path] + settings
            if let sentinel {
                try TemporaryFolder.write(sentinel.joined(separator: "\n") + "\n", to: file)
                arguments.insert(contentsOf: [file, "--sentinel"], at: 1)
            } else {
                arguments += ["--save", "", "--appendonly", "no"]
            }
            // Somebody else may have taken the port in between: then the server has ended.
            guard let process = try Self.start(arguments, port) else { continue }
            self.port = port
            self.arguments = arguments
            self.process = Mutex(process)
            return
        }
        throw TestFailure("redis-server does not start")
    }

    private static func start(_ arguments: [String], _ port: UInt16) throws -> ChildProcess? {
        let process = try ChildProcess(arguments)
        for _ in 0..<500 {
            guard process.isAlive else { return nil }
            if let descriptor = TCP.connect(port) {
                close(descriptor)
                return process.isAlive ? process : nil
            }
            usleep(10_000)
        }
        return nil
    }

    /// Starts it again on the same port.
    func start() throws {
        guard let started = try Self.start(arguments, port) else { throw TestFailure("redis-server does not start again") }
        process.withLock { $0 = started }
    }

    func stop() {
        process.withLock { process in
            process?.stop()
            process = nil
        }
    }

    func signal(_ signal: Int32) { process.withLock { $0?.signal(signal) } }

    /// Asks the server without any of the code under test: what redis-cli would print.
    func ask(_ command: String...) throws -> String { try ask(command) }

    func ask(_ command: [String]) throws -> String {
        guard let descriptor = TCP.connect(port) else { throw TestFailure("redis-server is not there") }
        defer { close(descriptor) }
        var octets = Array("*\(command.count)\r\n".utf8)
        for argument in command { octets += Array("$\(argument.utf8.count)\r\n\(argument)\r\n".utf8) }
        TCP.send(descriptor, octets)
        shutdown(descriptor, Int32(SHUT_WR))
        return String(decoding: TCP.receiveAll(descriptor), as: UTF8.self)
    }

    /// The same for a command that is answered with an integer.
    func integer(_ command: String...) throws -> Int64 {
        let reply = try ask(command)
        guard reply.utf8.first == UInt8(ascii: ":"), let number = Int64(reply.dropFirst().prefix { $0 != "\r\n" }) else {
            throw TestFailure("no integer: \(reply)")
        }
        return number
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

    private static let nextPort = Atomic<UInt16>(UInt16.random(in: 12_000..<28_000))

    /// A port below those that the kernel gives to connections, and that this process has not named before.
    static func freePort() throws -> UInt16 {
        for _ in 0..<1_000 {
            let candidate = nextPort.wrappingAdd(1, ordering: .relaxed).newValue
            guard let (descriptor, port) = try? listen(candidate) else { continue }
            close(descriptor)
            return port
        }
        throw TestFailure("no free port")
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

    /// False: the other side has gone.
    @discardableResult
    static func send(_ descriptor: Int32, _ octets: [UInt8]) -> Bool {
        var sent = 0
        while sent < octets.count {
            let count = unsafe octets.withUnsafeBytes { octets in
                unsafe Glibc.send(descriptor, octets.baseAddress! + sent, octets.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
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
