import Glibc
import Loop

/// The far end of a log: a descriptor that may be slow, full or gone.
struct LogOutput {
    private let name: String
    private let descriptor: Int32
    private let report: @Sendable (String) -> Void
    private var lostLines: UInt64 = 0
    private var isFailing = false
    private var isMidLine = false

    init(name: String, descriptor: Int32, report: @escaping @Sendable (String) -> Void) {
        self.name = name
        self.descriptor = descriptor
        self.report = report
    }

    /// Writes whole lines, all of them unless the descriptor fails; the next call tries anew.
    /// - Returns: how many lines were lost.
    mutating func write(_ lines: [UInt8]) -> UInt64 {
        // The line that an error cut in two ends here, so that it spoils no other.
        if isMidLine, writeAll([UInt8(ascii: "\n")]) == 1 { isMidLine = false }
        let written = isMidLine ? 0 : writeAll(lines)
        let code = errno
        if written == lines.count {
            if isFailing { report("\(name) is written again, after \(lostLines) lost lines") }
            isFailing = false
            lostLines = 0
            return 0
        }
        if written > 0 { isMidLine = lines[written - 1] != UInt8(ascii: "\n") }
        let lost = lines[written...].reduce(into: UInt64(0)) { if $1 == UInt8(ascii: "\n") { $0 += 1 } }
        lostLines &+= lost
        if !isFailing { report("\(name) cannot be written: \(SystemError.text(code))") }
        isFailing = true
        return lost
    }

    /// - Returns: how many octets were written; where that is not all, `errno` says why.
    private func writeAll(_ octets: [UInt8]) -> Int {
        var position = 0
        while position < octets.count {
            let count = unsafe octets.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + position }, bytes.count - position)
            }
            if count >= 0 {
                position += count
            } else if errno == EAGAIN {
                // Somebody else has made the descriptor non-blocking.
                _ = Bell.wait(for: descriptor, POLLOUT, milliseconds: 1_000)
            } else if errno != EINTR {
                break
            }
        }
        return position
    }
}
