import CShims
import Glibc
package import Wire

/// An IPv4 or IPv6 address and a port (ip(7), ipv6(7)), as the system calls take it.
package struct SocketAddress: Sendable, Hashable {
    /// 4 or 16 octets in network order.
    package let octets: [UInt8]
    package let port: UInt16

    /// - Parameter octets: 4 octets (IPv4) or 16 (IPv6); nil for any other count.
    package init?(octets: [UInt8], port: UInt16) {
        guard octets.count == 4 || octets.count == 16 else { return nil }
        self.octets = octets
        self.port = port
    }

    /// From numbers only, never from a name: "127.0.0.1:8080", "[::1]:8080" (inet_pton(3)).
    package init?(numeric text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = text.utf8[text.utf8.index(after: colon)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(String(text[text.index(after: colon)...]))
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.utf8.first == UInt8(ascii: "[") && host.utf8.last == UInt8(ascii: "]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let octets = SocketAddress.octets(ofNumericHost: String(host)),
            (octets.count == 16) == isBracketed
        else { return nil }
        self.init(octets: octets, port: port)
    }

    /// The octets of "127.0.0.1" or "::1"; nil when the text is not a numeric address.
    package static func octets(ofNumericHost text: String) -> [UInt8]? {
        // The system would read only what stands before a NUL.
        guard !text.utf8.contains(0) else { return nil }
        var octets = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &octets) == 1 { return Array(octets.prefix(4)) }
        if unsafe inet_pton(AF_INET6, text, &octets) == 1 { return octets }
        return nil
    }

    package var isIPv6: Bool { octets.count == 16 }
    var family: Int32 { isIPv6 ? AF_INET6 : AF_INET }

    package var text: String {
        var buffer = [CChar](repeating: 0, count: 64)
        unsafe inet_ntop(family, octets, &buffer, socklen_t(buffer.count))
        let host = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The address as the system calls take it, for the time of `body`.
    @unsafe
    func withSystemAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        unsafe withUnsafeTemporaryAllocation(byteCount: MemoryLayout<sockaddr_in6>.size, alignment: 8) { space in
            unsafe space.initializeMemory(as: UInt8.self, repeating: 0)
            let base = space.baseAddress!
            let size: Int
            if isIPv6 {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: octets) }
                unsafe base.storeBytes(of: address, as: sockaddr_in6.self)
                size = MemoryLayout<sockaddr_in6>.size
            } else {
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: octets) }
                unsafe base.storeBytes(of: address, as: sockaddr_in.self)
                size = MemoryLayout<sockaddr_in>.size
            }
            return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        }
    }

    /// What accept(2), getsockname(2) or getaddrinfo(3) filled in; nil for a family that is neither IPv4 nor IPv6.
    @unsafe
    init?(system storage: UnsafeRawPointer) {
        let family = Int32(unsafe storage.load(as: sockaddr.self).sa_family)
        if family == AF_INET {
            let address = unsafe storage.loadUnaligned(as: sockaddr_in.self)
            octets = unsafe withUnsafeBytes(of: address.sin_addr) { unsafe Array($0) }
            port = UInt16(bigEndian: address.sin_port)
        } else if family == AF_INET6 {
            let address = unsafe storage.loadUnaligned(as: sockaddr_in6.self)
            octets = unsafe withUnsafeBytes(of: address.sin6_addr) { unsafe Array($0) }
            port = UInt16(bigEndian: address.sin6_port)
        } else {
            return nil
        }
    }
}

extension SocketAddress {
    /// The address without the port.
    package var ip: IPAddress {
        let number = octets.reduce(into: UInt128(0)) { $0 = $0 << 8 | UInt128($1) }
        if !isIPv6 { return IPAddress(v4: UInt32(truncatingIfNeeded: number)) }
        return IPAddress(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number))
    }
}

extension SocketAddress {
    /// Where `descriptor` is bound to (getsockname(2)); nil: it is no socket of IPv4 or IPv6.
    init?(ofLocalEnd descriptor: Int32) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let address: SocketAddress? = unsafe withUnsafeMutableBytes(of: &storage) { space in
            guard let base = space.baseAddress else { return nil }
            guard unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return nil }
            return unsafe SocketAddress(system: base)
        }
        guard let address else { return nil }
        self = address
    }
}
