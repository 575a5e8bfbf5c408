import COpenSSL

/// Octets from OpenSSL's generator, which is seeded by the operating system.
package enum SecureRandom {
    /// The most that one call gives.
    package static let limit = 1 << 20

    /// `count` random octets, 0...`limit`.
    ///
    /// Throws `.randomUnavailable` when the generator fails; nothing predictable is ever given in its place (rule 38).
    package static func bytes(_ count: Int) throws(SecretsError) -> [UInt8] {
        guard count >= 0, count <= limit else { throw .randomCount(count) }
        var octets = [UInt8](repeating: 0, count: count)
        let status = unsafe octets.withUnsafeMutableBufferPointer { buffer in
            unsafe RAND_bytes(buffer.baseAddress, Int32(buffer.count))
        }
        guard status == 1 else {
            // A left-over entry in this thread's queue would be read as the fault of the next TLS call.
            ERR_clear_error()
            throw .randomUnavailable
        }
        return octets
    }
}
