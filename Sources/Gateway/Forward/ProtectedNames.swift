import Wire

/// The names of fields that no client may bring to an upstream, whatever they are spelt like.
///
/// Upstreams fold names: CGI and WSGI make `X-User-Id`, `X_User_Id` and `x.user.id` one variable. So names are compared
/// with the case and everything but letters and digits folded away (SECURITY.md rule 2).
struct ProtectedNames {
    private let names: [[UInt8]]
    /// A bit for each name by its hash, so that most names of a request are known to be harmless after one pass.
    private let filter: UInt64

    init(_ names: [[UInt8]]) {
        self.names = names.map(ProtectedNames.folded)
        filter = self.names.reduce(0) { $0 | ProtectedNames.bit(ProtectedNames.hash($1)) }
    }

    func contains(_ octets: Buffer, _ name: ByteRange) -> Bool {
        var hash: UInt64 = ProtectedNames.basis
        let span = octets.octets
        for index in name.start..<name.end {
            if let folded = ProtectedNames.fold(span[index]) { hash = ProtectedNames.mix(hash, folded) }
        }
        guard filter & ProtectedNames.bit(hash) != 0 else { return false }
        let folded = ProtectedNames.folded(octets.array(name))
        return names.contains(folded)
    }

    static func folded(_ name: [UInt8]) -> [UInt8] { name.compactMap(fold) }

    @inline(__always)
    private static func fold(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): octet
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet | 0x20
        default: nil
        }
    }

    // FNV-1a (RFC 9923).
    private static let basis: UInt64 = 0xcbf2_9ce4_8422_2325

    @inline(__always)
    private static func mix(_ hash: UInt64, _ octet: UInt8) -> UInt64 { (hash ^ UInt64(octet)) &* 0x0000_0100_0000_01b3 }

    private static func hash(_ folded: [UInt8]) -> UInt64 { folded.reduce(basis, mix) }

    @inline(__always)
    private static func bit(_ hash: UInt64) -> UInt64 { 1 << ((hash ^ (hash >> 32)) & 63) }
}
