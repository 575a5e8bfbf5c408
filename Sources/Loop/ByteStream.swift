package import Wire

/// A connected socket, in plain or encrypted. An enum, so that the plain one costs no more than a `Socket`.
package enum ByteStream {
    case plain(Socket)
    case tls(TLSSocket)

    package var socket: Socket {
        switch self {
        case .plain(let socket): socket
        case .tls(let tls): tls.socket
        }
    }

    /// See `Socket.read`.
    @inline(__always)
    package func read(into buffer: Buffer, room: Int) -> IOResult {
        switch self {
        case .plain(let socket): socket.read(into: buffer, room: room)
        case .tls(let tls): tls.read(into: buffer, room: room)
        }
    }

    /// Writes what `buffer` holds, as far as it goes now; `.octets` says how many are taken. With an empty buffer, what was
    /// taken before and has not left yet.
    @inline(__always)
    package func write(_ buffer: Buffer) -> IOResult {
        switch self {
        case .plain(let socket): buffer.isEmpty ? .octets(0) : socket.write(buffer)
        case .tls(let tls): tls.write(buffer)
        }
    }

    /// What ended the connection, in words about the peer.
    /// - Parameter code: what `read` or `write` returned with `.failed`; nil for `.ended`.
    package func problem(_ code: Int32?) -> String {
        let plain = code.map { "the connection broke: \(SystemError.text($0))" } ?? "it closed the connection"
        guard case .tls(let tls) = self else { return plain }
        if let problem = tls.problem { return problem.description }
        // With TLS 1.3 a server looks at our certificate after we are done, and its alert can be lost in the reset.
        return tls.hasReceived ? plain : "\(plain) right after the TLS handshake; does it demand a certificate?"
    }
}
