import Glibc
import Loop
import Wire

/// A plain blocking TCP socket, spoken to from a thread of the test's own. Every wait is bounded, so that a gateway that says nothing
/// fails a test instead of hanging it.
struct BlockingSocket {
    enum End: Equatable { case closed, reset, silence }

    let descriptor: Int32

    init(adopting descriptor: Int32, seconds: Int = 20) {
        self.descriptor = descriptor
        var bound = timeval(tv_sec: seconds, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &bound, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects to 127.0.0.1.
    init(port: UInt16, seconds: Int = 20) {
        self.init(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), seconds: seconds)
        var address = BlockingSocket.loopback(port: port)
        _ = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    /// False: the other side has gone, or takes nothing for the length of the bound.
    @discardableResult
    func send(_ octets: [UInt8]) -> Bool {
        var offset = 0
        while offset < octets.count {
            let sent = unsafe octets[offset...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            offset += sent
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// At most `count` octets, as they come.
    func receive(_ count: Int) -> ([UInt8], End?) {
        var octets = [UInt8](repeating: 0, count: count)
        let received = unsafe octets.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if received > 0 { return (Array(octets[..<received]), nil) }
        if received == 0 { return ([], .closed) }
        return ([], errno == ECONNRESET ? .reset : .silence)
    }

    /// Octet by octet, so that nothing of what follows is taken.
    func read(until mark: String) -> String {
        var text: [UInt8] = []
        let mark = Array(mark.utf8)
        while !text.suffix(mark.count).elementsEqual(mark) {
            let (octets, end) = receive(1)
            text += octets
            if end != nil { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    func readHead() -> String { read(until: "\r\n\r\n") }

    func read(_ count: Int) -> String {
        var text: [UInt8] = []
        while text.count < count {
            let (octets, end) = receive(count - text.count)
            text += octets
            if end != nil { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    func readToEnd() -> (text: String, end: End) {
        var text: [UInt8] = []
        while true {
            let (octets, end) = receive(65_536)
            text += octets
            if let end { return (String(decoding: text, as: UTF8.self), end) }
        }
    }

    func makeNonBlocking() { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { Glibc.close(descriptor) }

    /// Closes with RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}

/// A listener on a free port of 127.0.0.1.
struct BlockingListener {
    let port: UInt16
    private let listener: BlockingSocket

    init() {
        listener = BlockingSocket(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = BlockingSocket.loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener.descriptor
        unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe bind(descriptor, $0, size)
                _ = listen(descriptor, 128)
                _ = unsafe getsockname(descriptor, $0, &size)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Nil: nobody came within the bound.
    func accept() -> BlockingSocket? {
        let descriptor = Glibc.accept(listener.descriptor, nil, nil)
        // Shorter than the client's bound: a gateway that has stopped keeps its idle connections open.
        return descriptor < 0 ? nil : BlockingSocket(adopting: descriptor, seconds: 4)
    }

    func close() { listener.close() }
}

extension String {
    /// What stands between the marks, empty pieces among them.
    func pieces(_ mark: String) -> [String] { split(separator: mark, omittingEmptySubsequences: false).map(String.init) }
}
