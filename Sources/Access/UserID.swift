/// Names one user for ever: 1 to 128 octets of printable ASCII without space and comma, for instance `101`.
package struct UserID: Hashable, Sendable, CustomStringConvertible {
    package static let maxLength = 128

    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) throws(IdentityError) {
        guard !bytes.isEmpty else { throw IdentityError(field: .userID, fault: .empty) }
        guard bytes.count <= Self.maxLength else {
            throw IdentityError(field: .userID, fault: .tooLong(max: Self.maxLength))
        }
        for octet in bytes where octet < 0x21 || octet > 0x7E {
            throw IdentityError(field: .userID, fault: .notPrintableASCII)
        }
        guard !bytes.octets.contains(UInt8(ascii: ",")) else { throw IdentityError(field: .userID, fault: .separator) }
        self.bytes = bytes
    }

    package init(_ text: String) throws(IdentityError) { try self.init(Array(text.utf8)) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package var description: String { text }
}
