import Glibc
import Loop
import Synchronization
import Wire

@testable import Gateway

/// A request's head out of its text; nil when it is malformed.
func telemetryHead(_ text: String) -> RequestHead {
    let input = Buffer()
    input.append(text: text)
    let head = RequestHead()
    var parser = RequestParser(limits: HeadLimits())
    guard (try? parser.parse(input, into: head)) == true else { return RequestHead() }
    return head
}

/// A pipe: what is written into one end can be read from the other.
final class TestPipe {
    private(set) var readEnd: Int32
    private(set) var writeEnd: Int32

    init(capacity: Int32? = nil) {
        var ends: [Int32] = [-1, -1]
        unsafe pipe(&ends)
        readEnd = ends[0]
        writeEnd = ends[1]
        // F_SETPIPE_SZ (fcntl(2)), which Glibc's module does not show.
        if let capacity { _ = fcntl(writeEnd, 1031, capacity) }
    }

    deinit {
        closeWriteEnd()
        if readEnd >= 0 { close(readEnd) }
    }

    /// The read end is the caller's to close.
    func takeReadEnd() -> Int32 {
        defer { readEnd = -1 }
        return readEnd
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    /// At most `limit` octets; fewer at the end, or when none come for a second.
    func read(_ limit: Int) -> [UInt8] {
        var collected: [UInt8] = []
        while collected.count < limit, Bell.wait(for: readEnd, POLLIN, milliseconds: 1_000) {
            var space = [UInt8](repeating: 0, count: min(65_536, limit - collected.count))
            let count = unsafe Glibc.read(readEnd, &space, space.count)
            if count <= 0 { break }
            collected += space.prefix(count)
        }
        return collected
    }
}

/// What was reported, from whatever thread.
final class Reports: Sendable {
    private let texts = Mutex<[String]>([])

    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}

/// Sends `request` and returns all that comes back until the server closes.
func telemetryAsk(_ address: SocketAddress, _ request: String) -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = address.port.bigEndian
    target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = unsafe withUnsafeBytes(of: &target) { space in
        unsafe connect(descriptor, space.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(space.count))
    }
    guard connected == 0 else { return "" }
    let octets = Array(request.utf8)
    _ = unsafe send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL))
    var collected: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 65_536)
    while Bell.wait(for: descriptor, POLLIN, milliseconds: 5_000) {
        let count = unsafe recv(descriptor, &space, space.count, 0)
        if count <= 0 { break }
        collected += space.prefix(count)
    }
    return String(decoding: collected, as: UTF8.self)
}
