package import Secrets

/// One configured key. Rule 47: its algorithm is configured with it, and no token has a say in that.
package struct TokenKey: Sendable {
    package enum Algorithm: Sendable, Equatable {
        case hs256

        var name: [UInt8] {
            switch self {
            case .hs256: Array("HS256".utf8)
            }
        }
    }

    package static let maxIDLength = 64

    /// What `kid` holds: 1 to 64 octets of base64url.
    package let id: [UInt8]
    package let algorithm = Algorithm.hs256
    let secret: HMACSHA256Key
    /// What the key is called where nobody has named it.
    let derivedID: [UInt8]
    /// The encoded header of every token that this key signs; a token that begins with exactly it needs no second look.
    let header: [UInt8]

    /// Without `id`, one is derived from the secret, so that nobody has to invent names: eight characters of an HMAC of a fixed text,
    /// which tells no more of the secret than any signature does.
    package init(secret: HMACSHA256Key, id: [UInt8]? = nil) throws(TokenKeyError) {
        derivedID = Array(Base64URL.encode(secret.sign(Array("gatehouse key id".utf8))).prefix(8))
        let id = id ?? derivedID
        guard !id.isEmpty, id.count <= Self.maxIDLength, id.allSatisfy(SessionID.isBase64URL) else { throw .idInvalid }
        self.id = id
        self.secret = secret
        header = Base64URL.encode(
            Array(#"{"alg":""#.utf8) + algorithm.name + Array(#"","typ":"JWT","kid":""#.utf8) + id + Array(#""}"#.utf8))
    }
}

/// The table that `kid` looks things up in. The first key signs; all of them are believed (rule 54). A rotation puts the new key
/// first and drops the old one when the last token that it signed has expired.
package struct TokenKeys: Sendable {
    package static let maxCount = 8

    package let keys: [TokenKey]
    var signing: TokenKey { keys[0] }

    package init(_ keys: [TokenKey]) throws(TokenKeyError) {
        guard !keys.isEmpty else { throw .none }
        guard keys.count <= Self.maxCount else { throw .tooMany }
        for (index, key) in keys.enumerated() where keys[..<index].contains(where: { $0.id == key.id }) { throw .idTwice }
        self.keys = keys
    }

    /// A key that stood alone, without a name, and has been given one since is found by both: the tokens from before name the
    /// derived one.
    func key(id: [UInt8]) -> TokenKey? { keys.first { $0.id == id } ?? keys.first { $0.derivedID == id } }

    /// The key for a token without `kid`: the only one there is. With several, trying each would be guessing which of them a token
    /// means, and every token of ours names its key.
    var unnamed: TokenKey? { keys.count == 1 ? keys[0] : nil }
}

/// Why a table of keys cannot be used; found at start-up.
package enum TokenKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case none, tooMany, idTwice, idInvalid

    package var description: String {
        switch self {
        case .none: "There is no key for tokens."
        case .tooMany: "There are more than \(TokenKeys.maxCount) keys for tokens."
        case .idTwice: "Two keys for tokens have the same id."
        case .idInvalid: "The id of a key for tokens must be 1 to \(TokenKey.maxIDLength) characters of A-Z, a-z, 0-9, - and _."
        }
    }
}
