/// What an identity value may hold, said once for users, sessions, tokens and the headers that are made of them. Several roles are a
/// `RoleList` of such values.
///
/// Rule 6: a value that goes into a header line must not be able to end the line, to start another, to become two
/// list members (RFC 9110 5.6.1 splits on the comma), or to be trimmed into somebody else's value.
package enum IdentityValue {
    /// Octets, for user names out of tokens and for roles.
    package static let maxLength = 512

    /// Throws the first fault of `value`; an empty value is one only where `mayBeEmpty` is false.
    package static func check(
        _ value: [UInt8], _ field: IdentityError.Field, maxLength: Int = maxLength, mayBeEmpty: Bool = false
    ) throws(IdentityError) {
        try check(value.octets, field, maxLength: maxLength, mayBeEmpty: mayBeEmpty)
    }

    static func check(
        _ value: RawSpan, _ field: IdentityError.Field, maxLength: Int = maxLength, mayBeEmpty: Bool = false
    ) throws(IdentityError) {
        let count = value.byteCount
        guard count > 0 else {
            if mayBeEmpty { return }
            throw IdentityError(field: field, fault: .empty)
        }
        guard count <= maxLength else { throw IdentityError(field: field, fault: .tooLong(max: maxLength)) }

        // Nearly every value is printable ASCII and is done after this loop.
        var isASCII = true
        var fault: IdentityError.Fault?
        unsafe value.withUnsafeBytes { octets in
            for index in octets.indices {
                let octet = unsafe octets[index]
                if octet >= 0x20 && octet < 0x7F && octet != UInt8(ascii: ",") { continue }
                if octet >= 0x80 { isASCII = false; continue }
                fault = octet == UInt8(ascii: ",") ? .separator : .controlCharacter
                return
            }
        }
        if let fault { throw IdentityError(field: field, fault: fault) }
        if value.octet(at: 0) == 0x20 || value.octet(at: count &- 1) == 0x20 { throw IdentityError(field: field, fault: .surroundingSpace) }
        if !isASCII { try checkScalars(value, field) }
    }

    private static func checkScalars(_ value: RawSpan, _ field: IdentityError.Field) throws(IdentityError) {
        guard let text = String(validating: value.array, as: UTF8.self) else {
            throw IdentityError(field: field, fault: .notUTF8)
        }
        let scalars = text.unicodeScalars
        for scalar in scalars where isControl(scalar) { throw IdentityError(field: field, fault: .controlCharacter) }
        // U+FEFF has no width and no White_Space property, and is trimmed by readers that take it for a byte order mark.
        if let first = scalars.first, let last = scalars.last,
            isSpace(first) || isSpace(last)
        {
            throw IdentityError(field: field, fault: .surroundingSpace)
        }
    }

    /// C1 controls, the two Unicode line ends, and the marks that turn the direction of a line in a log or on a page.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value == 0xFEFF || scalar.properties.isWhitespace
    }
}

/// Why a value cannot be part of an identity. Says what is wrong, never the value.
package struct IdentityError: Error, Equatable, CustomStringConvertible {
    package enum Field: String, Sendable {
        case userID = "user id"
        case username = "user name"
        case role
    }

    package enum Fault: Equatable, Sendable {
        case empty, notUTF8, controlCharacter, surroundingSpace, separator, notPrintableASCII
        case tooLong(max: Int)
        /// Of the members of a list.
        case twice
        case tooMany(max: Int)
    }

    package let field: Field
    package let fault: Fault

    package var description: String {
        switch fault {
        case .empty: "The \(field.rawValue) is empty."
        case .notUTF8: "The \(field.rawValue) is not valid UTF-8."
        case .controlCharacter: "The \(field.rawValue) has a control character."
        case .surroundingSpace: "The \(field.rawValue) begins or ends with white space."
        case .separator: "The \(field.rawValue) has a comma, which separates the members of a header's list."
        case .notPrintableASCII: "The \(field.rawValue) has an octet that is not printable ASCII, or a space."
        case .tooLong(let max): "The \(field.rawValue) is longer than \(max) octets."
        case .twice: "The \(field.rawValue) is given twice."
        case .tooMany(let max): "There are more than \(max) of the \(field.rawValue)."
        }
    }
}
