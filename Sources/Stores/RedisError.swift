internal import Access

/// An error reply: its code, which is its first word, and its text.
struct RedisError {
    private let code: String
    private let text: String

    init(_ reply: [UInt8]) {
        // For the log: one line, printable, bounded, whatever the server sent.
        let shown = reply.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        text = String(decoding: shown, as: UTF8.self)
        code = String(decoding: shown.prefix { $0 != 0x20 }, as: UTF8.self)
    }

    /// The server as a whole does not serve us now; another one may by the next connection.
    var isServerUnfit: Bool {
        switch code {
        case "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "CLUSTERDOWN": true
        default: false
        }
    }

    /// - Parameter place: which server said it.
    func storeError(_ place: String, _ command: RedisCommand) -> StoreError {
        let what =
            switch code {
            case "WRONGTYPE": "the value of a key of ours is of another type"
            case "NOAUTH": "it asks for a password, and the settings have none for it"
            case "WRONGPASS": "it does not accept the user or the password"
            case "NOPERM": "our user may not use \(command.name) on our keys; its ACL lacks that command or ~gatehouse:*"
            case "READONLY": "it is a replica and takes no changes"
            case "LOADING": "it is loading its data"
            case "MASTERDOWN": "it is a replica and has lost its master"
            case "OOM": "its memory limit is reached"
            case "MISCONF": "it takes no changes because it cannot save them"
            case "MOVED", "ASK", "CROSSSLOT": "it is a cluster, whose address begins with redis+cluster://"
            case "CLUSTERDOWN": "its cluster is not whole"
            case "TRYAGAIN": "its cluster is moving the keys"
            case "NOREPLICAS": "it has too few replicas to take changes (min-replicas-to-write)"
            default: "it refused \(command.name); PXAT and GETDEL need Redis 6.2 or newer"
            }
        let description = "\(place): \(what) (\(text))"
        return code == "WRONGTYPE" ? .corrupt(description) : .unavailable(description)
    }
}
