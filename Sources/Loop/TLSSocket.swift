internal import COpenSSL
import Glibc
package import Wire

/// A socket whose octets travel encrypted: OpenSSL between two memory BIOs, and the socket moves what they hold.
///
/// It is used as a `Socket` is, and like one never blocks: what OpenSSL wants to send and the peer does not take yet is kept,
/// and goes out before anything else. Belongs to its loop's thread.
@safe
package final class TLSSocket {
    /// A record and its frame (RFC 8446 5.2).
    private static let recordSize = 16_384 + 256 + 5

    package let socket: Socket
    private let ssl: OpaquePointer
    /// Freed with `ssl`, which owns them.
    private let fromPeer: OpaquePointer
    private let toPeer: OpaquePointer
    private let received = Buffer()
    private let pending = Buffer()
    /// What ended the connection, when it was TLS and not the network.
    private(set) var problem: TLSError?
    private(set) var hasReceived = false

    /// Begins nothing yet: `handshake` does.
    /// - Parameter host: what was connected to, a name or a numeric address; the certificate must be of that, unless the
    ///   context names another.
    package init(client context: TLSContext, _ socket: Socket, host: String) throws(TLSError) {
        self.socket = socket
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(context.pointer) else { throw TLSError("no memory for TLS") }
        guard let fromPeer = unsafe BIO_new(BIO_s_mem()), let toPeer = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(ssl)
            throw TLSError("no memory for TLS")
        }
        unsafe SSL_set_bio(ssl, fromPeer, toPeer)
        unsafe SSL_set_connect_state(ssl)
        unsafe self.ssl = unsafe ssl
        unsafe self.fromPeer = unsafe fromPeer
        unsafe self.toPeer = unsafe toPeer
        try expect(context.serverName ?? host)
    }

    deinit { unsafe SSL_free(ssl) }

    /// Has the certificate checked against `host` (RFC 6125), and asks for it by name (RFC 6066: a name, never an address).
    private func expect(_ host: String) throws(TLSError) {
        let isAddress = SocketAddress.octets(ofNumericHost: host) != nil
        let isSet =
            if isAddress {
                unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
            } else {
                unsafe SSL_set1_host(ssl, host) == 1 && gh_ssl_set_server_name(ssl, host) == 1
            }
        unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard isSet else { throw TLSError("\(host) is no name that a certificate could have") }
    }

    // MARK: Handshake

    /// Returns when both sides are sure of each other; parks on `waiter` until `deadline` (monotonic nanoseconds) at the latest.
    package func handshake(_ waiter: Waiter, until deadline: UInt64) async throws(TLSError) {
        socket.waiter = waiter
        while true {
            ERR_clear_error()
            let result = unsafe SSL_do_handshake(ssl)
            let reason = unsafe SSL_get_error(ssl, result)
            // Also when it failed: the alert tells the peer why.
            if case .failed(let code) = flush() { throw TLSError("the connection broke: \(SystemError.text(code))") }
            if result == 1 { break }
            guard reason == SSL_ERROR_WANT_READ else { throw handshakeError() }
            while true {
                switch receive() {
                case .octets: break
                case .wouldBlock:
                    guard await waiter.wait(until: deadline) else {
                        throw TLSError("no TLS handshake in time; does it speak TLS on this port?")
                    }
                    if case .failed(let code) = flush() { throw TLSError("the connection broke: \(SystemError.text(code))") }
                    continue
                case .ended: throw TLSError("it closed the connection in the TLS handshake; does it speak TLS on this port?")
                case .failed(let code): throw TLSError("the connection broke in the TLS handshake: \(SystemError.text(code))")
                }
                break
            }
        }
    }

    private func handshakeError() -> TLSError {
        let verification = unsafe SSL_get_verify_result(ssl)
        let reason = TLSError.lastReason()
        guard verification != Int(X509_V_OK) else { return TLSError("no TLS with it (\(reason))") }
        let why = unsafe String(cString: X509_verify_cert_error_string(verification))
        return TLSError("its certificate is refused: \(why)")
    }

    // MARK: Moving octets

    /// Reads once, as `Socket.read` does; what arrives is what the peer encrypted.
    package func read(into buffer: Buffer, room: Int) -> IOResult {
        while true {
            var count: Int32 = 0
            ERR_clear_error()
            _ = unsafe buffer.withWritable(room) { space in
                count = unsafe SSL_read(ssl, space.baseAddress, Int32(clamping: space.count))
                return max(0, Int(count))
            }
            if count > 0 {
                hasReceived = true
                return .octets(Int(count))
            }
            switch unsafe SSL_get_error(ssl, count) {
            case SSL_ERROR_WANT_READ:
                // TLS itself may have something to answer, such as a new key (RFC 8446 4.6.3).
                if case .failed(let code) = flush() { return .failed(code) }
                let result = receive()
                guard case .octets = result else { return result }
            case SSL_ERROR_ZERO_RETURN: return .ended
            default: return failed()
            }
        }
    }

    /// Writes all of `buffer`, which stays as it is. `.wouldBlock`: nothing was taken, because what was taken before has not
    /// left yet.
    package func write(_ buffer: Buffer) -> IOResult {
        let result = flush()
        guard case .octets = result else { return result }
        var sent = 0
        while sent < buffer.count {
            ERR_clear_error()
            let count = unsafe buffer.withReadable { octets in
                unsafe SSL_write(ssl, octets.baseAddress! + sent, Int32(clamping: octets.count - sent))
            }
            guard count > 0 else { return failed() }
            sent += Int(count)
        }
        if case .failed(let code) = flush() { return .failed(code) }
        return .octets(sent)
    }

    /// Sends what is encrypted and has not left yet. `.octets`: nothing is left of it.
    package func flush() -> IOResult {
        while case let count = unsafe BIO_ctrl_pending(toPeer), count > 0 {
            _ = unsafe pending.withWritable(count) { space in
                max(0, Int(unsafe BIO_read(toPeer, space.baseAddress, Int32(clamping: space.count))))
            }
        }
        var sent = 0
        while !pending.isEmpty {
            let result = socket.write(pending)
            guard case .octets(let count) = result else { return result }
            pending.consume(count)
            sent += count
        }
        return .octets(sent)
    }

    private func receive() -> IOResult {
        let result = socket.read(into: received, room: Self.recordSize)
        guard case .octets(let count) = result else { return result }
        let taken = unsafe received.withReadable { unsafe BIO_write(fromPeer, $0.baseAddress, Int32(clamping: $0.count)) }
        received.removeAll()
        guard Int(taken) == count else {
            problem = TLSError("no memory for TLS")
            return .failed(ENOMEM)
        }
        return result
    }

    private func failed() -> IOResult {
        problem = TLSError("TLS with it failed (\(TLSError.lastReason()))")
        return .failed(EPROTO)
    }
}
