import Glibc

/// Who listens on this machine, as proc(5) shows it to everybody.
package enum ListenTable {
    /// How many sockets of any process listen at exactly `address`; 0 where the table cannot be read.
    package static func count(at address: SocketAddress) -> Int {
        let rows = read(address.isIPv6 ? "/proc/net/tcp6" : "/proc/net/tcp")
        let local = text(of: address)
        return rows.split(separator: UInt8(ascii: "\n")).dropFirst().count { row in
            // "  0: 0100007F:1F90 00000000:0000 0A …"
            let columns = row.split(separator: UInt8(ascii: " "), maxSplits: 4)
            return columns.count > 3 && columns[1].elementsEqual(local) && columns[3].elementsEqual(listening)
        }
    }

    private static let listening = Array("0A".utf8)

    /// Each word of four octets stands there as this machine has it in memory.
    static func text(of address: SocketAddress) -> [UInt8] {
        var text: [UInt8] = []
        for word in stride(from: 0, to: address.octets.count, by: 4) {
            #if _endian(little)
                let octets = address.octets[word..<word + 4].reversed()
            #else
                let octets = address.octets[word..<word + 4]
            #endif
            for octet in octets { append(octet, to: &text) }
        }
        text.append(UInt8(ascii: ":"))
        append(UInt8(address.port >> 8), to: &text)
        append(UInt8(truncatingIfNeeded: address.port), to: &text)
        return text
    }

    private static func append(_ octet: UInt8, to text: inout [UInt8]) {
        for digit in [octet >> 4, octet & 15] { text.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
    }

    /// The table's beginning: sockets that listen stand before all others.
    private static func read(_ path: String) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var rows = [UInt8](repeating: 0, count: 256 * 1_024)
        var filled = 0
        while filled < rows.count {
            let count = unsafe rows.withUnsafeMutableBytes { space in
                unsafe Glibc.read(descriptor, space.baseAddress.map { unsafe $0 + filled }, space.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            filled += count
        }
        return Array(rows.prefix(filled))
    }
}
