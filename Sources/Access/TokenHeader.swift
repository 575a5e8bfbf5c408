import Wire

/// What a token's header may say. It is read before the signature is checked, so it is believed in nothing: it can only point
/// at a configured key, or be refused.
enum TokenHeader {
    /// The configured key that `header` (JSON) points at.
    static func key(for header: [UInt8], in keys: TokenKeys) throws(TokenError) -> TokenKey {
        let json: JSON
        do { json = try JSON.parse(header, maxDepth: TokenAuthority.maxDepth) } catch { throw .headerNotJSON }
        guard case .object = json else { throw .headerNotJSON }

        // Rule 49: any crit, even an empty one, and b64 (RFC 7797), even true, ask for what is not done here.
        if json["crit"] != nil { throw .criticalExtension }
        if json["b64"] != nil { throw .unencodedPayload }
        // Rule 48: a key that comes with the token proves nothing, and no address is ever fetched.
        if json["jwk"] != nil || json["jku"] != nil || json["x5u"] != nil || json["x5c"] != nil { throw .keyInHeader }
        if let type = json["typ"] {
            // RFC 8725 3.11: a token made for something else, for instance at+jwt, is not one of ours.
            guard case .string(let type) = type, isJWT(type) else { throw .typeNotJWT }
        }
        let key = try key(named: json["kid"], in: keys)
        // Rule 47: compared with the key's algorithm, octet by octet; `none` is the name of no key's algorithm.
        guard let algorithm = json["alg"] else { throw .algorithmMissing }
        guard case .string(let name) = algorithm, name == key.algorithm.name else { throw .algorithmNotAllowed }
        return key
    }

    private static func key(named id: JSON?, in keys: TokenKeys) throws(TokenError) -> TokenKey {
        guard let id else {
            guard let only = keys.unnamed else { throw .keyNotNamed }
            return only
        }
        guard case .string(let id) = id else { throw .keyIDNotText }
        guard let key = keys.key(id: id) else { throw .keyUnknown }
        return key
    }

    /// RFC 7519 5.1: upper case is recommended, not required.
    private static func isJWT(_ type: [UInt8]) -> Bool {
        type.count == 3 && type.map { $0 & 0xDF } == Array("JWT".utf8)
    }
}
