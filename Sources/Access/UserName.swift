/// A user name in its one canonical form. Rules 6 and 35: made once from what the client sent, and only this form is
/// throttled, looked up, kept in a session and injected, so that no two steps can mean two people.
///
/// The canonical form is the octets themselves, or, where the settings say so, the octets with A to Z as a to z. There is no trimming,
/// no Unicode normalisation and no folding of other letters, because two readers of Unicode never agree for long. What would tempt a
/// later reader to trim is refused.
package struct UserName: Hashable, Sendable {
    /// When two names are one.
    package enum Comparison: Sendable, Equatable {
        case exact
        /// The 26 letters of ASCII, in either case, are the same.
        case caseFolded
    }

    /// Octets.
    package static let maxLength = 128

    package let bytes: [UInt8]

    package init(_ presented: [UInt8], _ comparison: Comparison = .exact) throws(IdentityError) {
        try IdentityValue.check(presented, .username, maxLength: Self.maxLength)
        switch comparison {
        case .exact: bytes = presented
        case .caseFolded: bytes = Self.folded(presented)
        }
    }

    package init(_ text: String, _ comparison: Comparison = .exact) throws(IdentityError) {
        try self.init(Array(text.utf8), comparison)
    }

    /// For a store's column; equal texts of two names must be compared as `bytes`.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    private static func folded(_ octets: [UInt8]) -> [UInt8] {
        octets.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
