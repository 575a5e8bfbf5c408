import Secrets

/// The compact form of a JWS (RFC 7515 7.1), taken apart: three parts of strict base64url and nothing else.
///
/// Rule 50: bounded before it is split, and a fourth part, an empty one or the JSON form is refused by its shape.
struct CompactToken {
    /// Where the header ends, and where the claims end: what is signed.
    let headerEnd: Int
    let signedEnd: Int

    init(_ token: RawSpan) throws(TokenError) {
        guard token.byteCount <= TokenAuthority.maxLength else { throw .tooLong }
        var dots = 0
        var first = 0
        var second = 0
        for offset in 0..<token.byteCount where token.octet(at: offset) == UInt8(ascii: ".") {
            dots += 1
            if dots == 1 { first = offset } else { second = offset }
        }
        guard dots == 2 else { throw .notThreeParts }
        guard first > 0, second > first + 1, second + 1 < token.byteCount else { throw .emptyPart }
        headerEnd = first
        signedEnd = second
    }

    func header(of token: RawSpan) -> [UInt8]? { Base64URL.decode(token.extracting(0..<headerEnd)) }
    func claims(of token: RawSpan) -> [UInt8]? { Base64URL.decode(token.extracting((headerEnd + 1)..<signedEnd)) }
    func signature(of token: RawSpan) -> [UInt8]? {
        Base64URL.decode(token.extracting((signedEnd + 1)..<token.byteCount))
    }

    func hasHeader(_ header: [UInt8], in token: RawSpan) -> Bool {
        guard headerEnd == header.count else { return false }
        for offset in 0..<headerEnd where token.octet(at: offset) != header[offset] { return false }
        return true
    }
}
