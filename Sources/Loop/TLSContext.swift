internal import COpenSSL

/// What the TLS connections of one purpose have in common: whom they trust, and who we are. Made once, before there are
/// connections, because it reads files.
///
/// `@unchecked Sendable`: it never changes after `init`, and OpenSSL lets threads make connections from one context.
@safe
package final class TLSContext: @unchecked Sendable {
    /// Files in PEM. Every text is a path.
    package struct Files: Sendable, Equatable {
        /// Whom to trust; nil: the certificates that the operating system trusts.
        package var authorities: String?
        /// Our certificate and those that lead to its authority; nil: we show none.
        package var certificate: String?
        package var key: String?

        package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
        }
    }

    let pointer: OpaquePointer
    /// The name or address that the peer's certificate must have; nil: the one that was connected to.
    package let serverName: String?

    /// For connections that we make. The peer has to show a certificate that leads to an authority trusted here.
    package init(client files: Files, serverName: String? = nil) throws(TLSError) {
        ERR_clear_error()
        guard let method = unsafe TLS_client_method(), let context = unsafe SSL_CTX_new(method) else {
            throw TLSError("TLS cannot be set up: \(TLSError.lastReason())")
        }
        unsafe pointer = unsafe context
        self.serverName = serverName
        guard unsafe gh_ssl_ctx_restrict(pointer) == 1 else { throw TLSError("TLS cannot be set up: \(TLSError.lastReason())") }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        if let path = files.authorities {
            guard unsafe SSL_CTX_load_verify_file(pointer, path) == 1 else { throw Self.unusable(path, "certificates to trust") }
        } else {
            guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else { throw Self.unusable("the system's store", "certificates") }
        }
        if let path = files.certificate {
            guard unsafe SSL_CTX_use_certificate_chain_file(pointer, path) == 1 else { throw Self.unusable(path, "a certificate") }
        }
        if let path = files.key {
            // A key with a pass phrase would make OpenSSL ask for it at the terminal.
            unsafe SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in -1 }
            guard unsafe SSL_CTX_use_PrivateKey_file(pointer, path, SSL_FILETYPE_PEM) == 1 else {
                throw Self.unusable(path, "a private key without a pass phrase")
            }
            guard unsafe SSL_CTX_check_private_key(pointer) == 1 else {
                throw TLSError("\(path) is not the key of the certificate (\(TLSError.lastReason()))")
            }
        }
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    private static func unusable(_ path: String, _ what: String) -> TLSError {
        TLSError("\(path) cannot be read as \(what) in PEM (\(TLSError.lastReason()))")
    }
}
