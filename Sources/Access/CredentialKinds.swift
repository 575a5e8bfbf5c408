/// The kinds of credential that a route accepts.
package struct CredentialKinds: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let session = CredentialKinds(rawValue: 1)
    package static let token = CredentialKinds(rawValue: 2)
    package static let all: CredentialKinds = [.session, .token]
}
