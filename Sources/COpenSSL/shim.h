#pragma once
// The SHA-256 block state (SHA256_CTX) is deprecated since 3.0 in favour of EVP, which allocates on every call: see
// SHA256State.swift for what was measured.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
