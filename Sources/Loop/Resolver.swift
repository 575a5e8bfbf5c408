import CShims
import Glibc

/// Why a name has no address now.
package struct ResolveError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Names to addresses by the system's resolver (getaddrinfo(3)), which blocks and so runs on a pool.
package enum Resolver {
    /// The addresses of `host`, in the system's order of preference; never empty. A numeric address costs no look-up.
    package static func resolve(
        host: String, port: UInt16, on pool: BlockingPool
    ) async throws(ResolveError) -> [SocketAddress] {
        if let octets = SocketAddress.octets(ofNumericHost: host), let address = SocketAddress(octets: octets, port: port) {
            return [address]
        }
        let result: Result<[SocketAddress], ResolveError>
        do {
            result = try await pool.run { lookUp(host: host, port: port) }
        } catch {
            throw ResolveError(description: "cannot look up \(host): too many look-ups wait")
        }
        return try result.get()
    }

    private static func lookUp(host: String, port: UInt16) -> Result<[SocketAddress], ResolveError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
        guard code == 0 else {
            let text = unsafe String(cString: gai_strerror(code))
            return .failure(ResolveError(description: "cannot look up \(host): \(text)"))
        }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            if let system = unsafe current.pointee.ai_addr, let address = unsafe SocketAddress(system: system),
                let withPort = SocketAddress(octets: address.octets, port: port)
            {
                addresses.append(withPort)
            }
            unsafe entry = current.pointee.ai_next
        }
        guard !addresses.isEmpty else {
            return .failure(ResolveError(description: "cannot look up \(host): it has no address"))
        }
        return .success(addresses)
    }
}
