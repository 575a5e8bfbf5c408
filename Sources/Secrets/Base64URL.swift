/// base64url as JOSE has it (RFC 7515 2): no padding, and each value has exactly one text.
package enum Base64URL {
    package static func encode(_ octets: RawSpan) -> [UInt8] { Base64Alphabet.url.encode(octets) }
    package static func encode(_ octets: [UInt8]) -> [UInt8] { encode(octets.span.raw) }
    package static func encode(_ digest: SHA256Digest) -> [UInt8] { digest.withBytes { encode($0) } }

    /// Writes the 43 characters of `digest` to `output`, which must have room for them, and returns their number.
    @unsafe
    package static func encode(_ digest: SHA256Digest, to output: UnsafeMutableRawBufferPointer) -> Int {
        digest.withBytes { unsafe Base64Alphabet.url.encode($0, to: output) }
        return Base64Alphabet.length(of: SHA256Digest.count)
    }

    /// The octets that `text` stands for.
    ///
    /// Nil for anything but the 64 characters, for padding, for an impossible length, and for left-over bits that are not zero
    /// (rule 50).
    package static func decode(_ text: RawSpan) -> [UInt8]? { Base64Alphabet.url.decode(text) }
    package static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span.raw) }
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? { Base64Alphabet.url.decode(text) }
}
