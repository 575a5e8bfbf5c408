/// What somebody wrote, before anything is known about it: the file's tree, with the environment laid over it.
///
/// Scalars stay text. What `on`, `08` or `1e3` mean is for the key to say, not for YAML's guesses.
struct Entry: Sendable {
    indirect enum Value: Sendable {
        /// A key with nothing behind it.
        case null
        case scalar(String)
        case list([Entry])
        case mapping([Member])
    }

    struct Member: Sendable {
        let name: String
        /// Where the key stands; the entry's own origin is where its value stands.
        let origin: Origin
        var entry: Entry
    }

    let path: String
    let origin: Origin
    var value: Value

    func path(of member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }
    func path(of index: Int) -> String { "\(path)[\(index)]" }

    var isNull: Bool {
        if case .null = value { true } else { false }
    }

    /// In a sentence: "expected a number, found …".
    var noun: String {
        switch value {
        case .null: "nothing"
        case .scalar: "a single value"
        case .list: "a list"
        case .mapping: "a section of keys"
        }
    }
}
