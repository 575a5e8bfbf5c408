/// One line of the `routes` in the settings. An object, so that an exchange takes hold of its route without copying it.
package final class Route: Sendable {
    package enum Access: Sendable, Equatable {
        /// Anybody, and no credential is looked at.
        case `public`
        case signedIn
    }

    /// The place in the list, from 0; errors and `explain` name it.
    package let index: Int
    /// Lower case, without port and trailing dot. Nil: every host.
    package let host: [UInt8]?
    /// In the canonical form of request paths. With a `/` at its end: everything below it; otherwise exactly itself.
    package let path: [UInt8]
    package let upstream: String
    package let accepts: CredentialKinds
    package let access: Access
    package let policy: Policy
    /// Octets of a request's body; nil: the general limit.
    package let maxBody: UInt64?

    /// Refuses what could never match a canonical request, or would silently protect nothing.
    package init(
        index: Int, host: [UInt8]? = nil, path: [UInt8], upstream: String, accepts: CredentialKinds = .all,
        access: Access = .signedIn, policy: Policy = Policy(), maxBody: UInt64? = nil
    ) throws(RouteError) {
        if let host {
            let name = HostName.length(of: host.octets)
            guard name == host.count, !host.isEmpty else { throw .hostNotBare }
            guard host.allSatisfy(HostName.isAllowed) else { throw .hostNotASCII }
        }
        try Self.checkPath(path)
        guard access == .public || !accepts.isEmpty else { throw .acceptsNothing }
        guard access == .signedIn || policy.isEmpty else { throw .publicWithRequirement }
        self.index = index
        self.host = host?.map(HostName.lowercased)
        self.path = path
        self.upstream = upstream
        self.accepts = accepts
        self.access = access
        self.policy = policy
        self.maxBody = maxBody
    }

    var isTree: Bool { path.last == UInt8(ascii: "/") }

    /// The canonical form in which requests are judged: a path in any other form would match nothing.
    private static func checkPath(_ path: [UInt8]) throws(RouteError) {
        guard path.first == UInt8(ascii: "/") else { throw .pathNotAbsolute }
        guard path.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .pathNotPrintable }
        guard !path.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "\\") })
        else { throw .pathWithQuery }
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for segment in segments.dropLast() where segment.isEmpty { throw .pathNotCanonical }
        for segment in segments where segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
            throw .pathNotCanonical
        }
        guard PercentEncoding.isCanonical(path) else { throw .pathNotCanonical }
    }
}

/// Why a route cannot be. The settings add where it stands.
package enum RouteError: Error, Equatable, CustomStringConvertible {
    case hostNotBare, hostNotASCII, pathNotAbsolute, pathNotPrintable, pathWithQuery, pathNotCanonical, acceptsNothing
    case publicWithRequirement

    package var description: String {
        switch self {
        case .hostNotBare: "The host must be a bare name, without port and without a dot at its end."
        case .hostNotASCII: "The host has an octet that no host name has; an international name is written as xn--."
        case .pathNotAbsolute: "The path must begin with /."
        case .pathNotPrintable: "The path has an octet that is not printable ASCII; encode it with %."
        case .pathWithQuery: "The path must have no ?, # or \\; a route looks at the path only."
        case .pathNotCanonical:
            "The path must be in the form that requests are brought to: no //, no . or .. segment, "
                + "%XX in upper case and only where it is needed."
        case .acceptsNothing: "The route accepts no credential, so nobody could ever pass."
        case .publicWithRequirement: "The route is public and requires something of the user; it can be only one of these."
        }
    }
}
