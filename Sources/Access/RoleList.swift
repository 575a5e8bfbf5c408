/// The roles of one user as one text: `admin,staff`, in the order of the users table; empty where there are none. Sessions, tokens
/// and the injected header hold this text, which RFC 9110 5.6.1 reads as a list; one role alone looks like itself.
package enum RoleList {
    /// Octets of the whole text.
    package static let maxLength = IdentityValue.maxLength
    package static let maxCount = 32

    /// Throws unless `text` is the one form that its roles have: no member empty or there twice, no white space around any.
    package static func check(_ text: [UInt8]) throws(IdentityError) {
        guard text.octets.contains(separator) else { return try IdentityValue.check(text, .role, mayBeEmpty: true) }
        guard text.count <= maxLength else { throw IdentityError(field: .role, fault: .tooLong(max: maxLength)) }
        let members = text.split(separator: separator, omittingEmptySubsequences: false)
        guard members.count <= maxCount else { throw IdentityError(field: .role, fault: .tooMany(max: maxCount)) }
        for (index, member) in members.enumerated() {
            try IdentityValue.check(Array(member), .role)
            if members[..<index].contains(member) { throw IdentityError(field: .role, fault: .twice) }
        }
    }

    /// The text of `members`, each of them a role that was checked nowhere yet: one that is empty or comes again is left out.
    package static func text(of members: [[UInt8]]) throws(IdentityError) -> [UInt8] {
        var kept: [[UInt8]] = []
        for member in members where !member.isEmpty && !kept.contains(member) {
            // A comma inside of a role would become two roles.
            try IdentityValue.check(member, .role)
            kept.append(member)
        }
        let text = Array(kept.joined(separator: [separator]))
        try check(text)
        return text
    }

    /// Whether `role` is one of the members, octet by octet. Allocates nothing: it is asked on every request to a route that requires
    /// a role.
    package static func contains(_ role: some RandomAccessCollection<UInt8>, in text: [UInt8]) -> Bool {
        guard !role.isEmpty else { return false }
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != separator { end += 1 }
            if end - start == role.count, text[start..<end].elementsEqual(role) { return true }
            start = end + 1
        }
        return false
    }

    private static let separator = UInt8(ascii: ",")
}
