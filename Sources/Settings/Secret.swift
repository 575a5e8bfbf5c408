/// Octets that no log, message or printed settings may show.
package struct Secret: Equatable, Sendable {
    /// What stands for a secret wherever settings are shown. Too short to be one itself.
    static let redacted = "<redacted>"

    package let octets: [UInt8]
    /// The file that it came from; nil when it stood in the settings or the environment.
    package let file: String?
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.redacted }
    package var debugDescription: String { Self.redacted }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Codec where Value == String {
    static var secretText: Self {
        Codec(
            schema: [("type", .string("string")), ("minLength", .integer(1))],
            parse: { (text) throws(Fault) in
                guard !text.isEmpty else { throw Fault("is empty") }
                return text
            },
            write: { _ in .text(Secret.redacted) })
    }
}
