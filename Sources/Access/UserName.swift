/// A user name in its one canonical form. SECURITY.md rules 6 and 35: made once from what the client sent, and only this form is
/// throttled, looked up, kept in a session and injected, so that no two steps can mean two people.
///
/// The canonical form is the octets themselves: no case folding, no trimming and no Unicode normalisation, because a database
/// compares octets, and two readers of Unicode never agree for long. What would tempt a later reader to fold or trim is refused.
package struct UserName: Hashable, Sendable {
    /// Octets.
    package static let maxLength = 128

    package let bytes: [UInt8]

    package init(_ presented: [UInt8]) throws(IdentityError) {
        try IdentityValue.check(presented, .username, maxLength: Self.maxLength)
        bytes = presented
    }

    package init(_ text: String) throws(IdentityError) { try self.init(Array(text.utf8)) }

    /// For a store's column; equal texts of two names must be compared as `bytes`.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
