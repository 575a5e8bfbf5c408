/// Which share of the keys a key belongs to (Redis Cluster specification, "Key distribution model").
enum RedisSlot {
    static let count = 16_384

    /// CRC16 of the key, or of what stands between its first `{` and the next `}`, if that is anything.
    static func of(_ key: some Collection<UInt8>) -> Int {
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[key.index(after: open)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close != rest.startIndex {
                return Int(crc16(rest[..<close])) % count
            }
        }
        return Int(crc16(key)) % count
    }

    /// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, begins at 0.
    private static func crc16(_ octets: some Collection<UInt8>) -> UInt16 {
        octets.reduce(0) { crc, octet in
            var crc = crc ^ UInt16(octet) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
            return crc
        }
    }
}

/// Slots `first` to `last` and the master that has them, as CLUSTER SLOTS tells.
struct RedisSlotRange {
    let first: Int
    let last: Int
    let endpoint: RedisEndpoint

    /// Nil: it is no such reply. Empty: nobody has a slot.
    /// - Parameter asked: the server that told it; it leaves its own host out when it does not know it.
    static func read(_ reply: RedisReply, asked: RedisEndpoint) -> [RedisSlotRange]? {
        guard case .array(let rows) = reply else { return nil }
        var ranges: [RedisSlotRange] = []
        for row in rows {
            guard case .array(let parts) = row, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], case .array(let master) = parts[2], master.count >= 2,
                case .integer(let port) = master[1], 0 <= first, first <= last, last < RedisSlot.count
            else { return nil }
            var host = Array(asked.host.utf8)
            if case .bulk(let told) = master[0], !told.isEmpty { host = told }
            // "?" is a host that nobody knows yet; its slots have nobody then.
            guard let endpoint = RedisEndpoint(host: host, port: port) else { continue }
            ranges.append(RedisSlotRange(first: Int(first), last: Int(last), endpoint: endpoint))
        }
        return ranges
    }
}

/// An error reply that says where to ask instead.
enum RedisRedirection: Equatable {
    /// The slot has moved for good.
    case moved(slot: Int, RedisEndpoint)
    /// The slot is moving, and this key has arrived there or is in neither.
    case ask(RedisEndpoint)

    /// Nil: it is another error. "MOVED 3999 127.0.0.1:6381"; the host may be missing, an IPv6 address has no brackets.
    init?(_ text: [UInt8], asked: RedisEndpoint) {
        let words = text.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, let slot = Int(String(decoding: words[1], as: UTF8.self)), (0..<RedisSlot.count).contains(slot),
            let colon = words[2].lastIndex(of: UInt8(ascii: ":")),
            let port = Int64(String(decoding: words[2][words[2].index(after: colon)...], as: UTF8.self)),
            let endpoint = RedisEndpoint(
                host: colon == words[2].startIndex ? Array(asked.host.utf8) : Array(words[2][..<colon]), port: port)
        else { return nil }
        if words[0].elementsEqual("MOVED".utf8) {
            self = .moved(slot: slot, endpoint)
        } else if words[0].elementsEqual("ASK".utf8) {
            self = .ask(endpoint)
        } else {
            return nil
        }
    }
}
