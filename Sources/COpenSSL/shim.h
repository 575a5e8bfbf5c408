#pragma once
// The SHA-256 block state (SHA256_CTX) is deprecated since 3.0 in favour of EVP, which allocates on every call: see
// SHA256State.swift for what was measured.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Function-like macros, which Swift cannot import.

/// TLS 1.2 at least; no compression (CRIME), no renegotiation (CVE-2021-3449); short of memory while idle.
static inline int gh_ssl_ctx_restrict(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

/// The server name that the client asks for (RFC 6066 3).
static inline int gh_ssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }
