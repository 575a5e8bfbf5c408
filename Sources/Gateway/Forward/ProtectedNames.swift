import Wire

/// The names of fields that no client may bring to an upstream, whatever they are spelt like.
///
/// Upstreams fold names: CGI and WSGI make `X-User-Id`, `X_User_Id` and `x.user.id` one variable. So names are compared
/// with the case and everything but letters and digits folded away (rule 2).
struct ProtectedNames {
    private let names: [[UInt8]]
    private let hashes: [UInt64]
    /// Two bits for each name by its hash, so that most names of a request are known to be harmless after one pass: with some sixty
    /// names one in eighty others is looked up.
    private let filter: [16 of UInt64]

    init(_ names: [[UInt8]]) {
        self.names = names.map(ProtectedNames.folded)
        hashes = self.names.map(ProtectedNames.hash)
        var filter = [16 of UInt64](repeating: 0)
        for hash in hashes {
            filter[ProtectedNames.word(hash)] |= ProtectedNames.bit(hash)
            filter[ProtectedNames.word(hash >> 10)] |= ProtectedNames.bit(hash >> 10)
        }
        self.filter = filter
    }

    func contains(_ octets: Buffer, _ name: ByteRange) -> Bool {
        var hash: UInt64 = ProtectedNames.basis
        let span = octets.octets
        for index in name.start..<name.end {
            if let folded = ProtectedNames.fold(span[index]) { hash = ProtectedNames.mix(hash, folded) }
        }
        guard filter[ProtectedNames.word(hash)] & ProtectedNames.bit(hash) != 0,
            filter[ProtectedNames.word(hash >> 10)] & ProtectedNames.bit(hash >> 10) != 0
        else { return false }
        for index in hashes.indices where hashes[index] == hash {
            if isSame(span, name, names[index]) { return true }
        }
        return false
    }

    private func isSame(_ octets: Octets, _ name: ByteRange, _ folded: [UInt8]) -> Bool {
        var count = 0
        for index in name.start..<name.end {
            guard let octet = ProtectedNames.fold(octets[index]) else { continue }
            guard count < folded.count, folded[count] == octet else { return false }
            count += 1
        }
        return count == folded.count
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
    private static func word(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 6 & 15) }

    @inline(__always)
    private static func bit(_ hash: UInt64) -> UInt64 { 1 << (hash & 63) }
}
