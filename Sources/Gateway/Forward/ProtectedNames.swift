import Wire

/// The names of fields that no client may bring to an upstream, whatever they are spelt like.
///
/// Upstreams fold names: CGI and WSGI make `X-User-Id`, `X_User_Id` and `x.user.id` one variable. So names are compared
/// with the case and everything but letters and digits folded away (rule 2).
struct ProtectedNames {
    private let names: [[UInt8]]
    /// Of each name: see `ends`.
    private let keys: [Ends]
    /// For each first octet (its lowest six bits) the last octets of the names that begin so, a bit each: most names of a request are
    /// known to be harmless after a look at their two ends.
    private let lasts: [64 of UInt64]

    /// The first and the last octet of a folded name.
    private struct Ends: Equatable {
        let first: UInt8
        let last: UInt8
    }

    init(_ names: [[UInt8]]) {
        self.names = names.map { $0.compactMap(ProtectedNames.fold) }
        keys = self.names.map { ProtectedNames.ends($0.span, ByteRange(offset: 0, count: $0.count)) }
        var lasts = [64 of UInt64](repeating: 0)
        for key in keys { lasts[Int(key.first & 63)] |= 1 << UInt64(key.last & 63) }
        self.lasts = lasts
    }

    func contains(_ octets: Octets, _ name: ByteRange) -> Bool {
        let ends = ProtectedNames.ends(octets, name)
        guard lasts[Int(ends.first & 63)] & 1 << UInt64(ends.last & 63) != 0 else { return false }
        for index in keys.indices where keys[index] == ends {
            if isSame(octets, name, names[index]) { return true }
        }
        return false
    }

    /// Zeros: folded, nothing remains of the name.
    @inline(__always)
    private static func ends(_ octets: Octets, _ name: ByteRange) -> Ends {
        var start = name.start
        var end = name.end
        while start < end {
            guard let first = fold(octets[start]) else { start &+= 1; continue }
            while true {
                end &-= 1
                // It comes to the first one at the latest.
                if let last = fold(octets[end]) { return Ends(first: first, last: last) }
            }
        }
        return Ends(first: 0, last: 0)
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

    @inline(__always)
    private static func fold(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): octet
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet | 0x20
        default: nil
        }
    }
}
