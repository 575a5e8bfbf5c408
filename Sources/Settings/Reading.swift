import Secrets

/// One pass over the entries: collects the values' problems, and where every key stands.
struct Reading {
    let file: String
    /// The settings file's own folder, which relative paths start from.
    let folder: String
    private(set) var problems: [SettingProblem] = []
    /// Whose contents are settings, readable or not.
    private(set) var files: [String] = []
    private var origins: [String: Origin] = [:]

    init(file: String, folder: String) {
        self.file = file
        self.folder = folder
    }

    /// Knows where everything stands, and has no problems yet.
    init(continuing reading: Reading) {
        self = reading
        problems = []
    }

    // MARK: Problems

    mutating func report(_ entry: Entry, _ message: String) {
        report(entry.origin, entry.path, message)
    }

    mutating func report(_ origin: Origin, _ path: String, _ message: String, _ severity: SettingProblem.Severity = .error) {
        problems.append(SettingProblem(severity: severity, file: file, origin: origin, path: path, message: message))
    }

    /// Reports about a key that was read before, or about one that was left out: then its section is where to look.
    mutating func report(_ path: String, _ message: String, _ severity: SettingProblem.Severity = .error) {
        var known = path[...]
        while origins[String(known)] == nil, !known.isEmpty {
            known = known[..<(known.lastIndex { $0 == "." || $0 == "[" } ?? known.startIndex)]
        }
        report(origins[String(known)] ?? .file(line: 1, column: 1), path, message, severity)
    }

    /// Whether the key was written at all.
    func isWritten(_ path: String) -> Bool { origins[path] != nil }

    mutating func adopt(_ problems: [SettingProblem]) { self.problems += problems }

    // MARK: Values

    mutating func scalar<Value>(_ entry: Entry, _ codec: Codec<Value>) -> Value? {
        origins[entry.path] = entry.origin
        switch entry.value {
        case .scalar(let text):
            do {
                return try codec.parse(text)
            } catch {
                report(entry, error.message)
            }
        case .null:
            report(entry, "has no value")
        case .list, .mapping:
            report(entry, "expected a single value, found \(entry.noun)")
        }
        return nil
    }

    /// The items of a list; nil when it is none. A key with nothing behind it counts as left out.
    mutating func list(_ entry: Entry, isFilled: Bool) -> [Entry]? {
        origins[entry.path] = entry.origin
        switch entry.value {
        case .list(let items):
            if isFilled, items.isEmpty { report(entry, "the list is empty") }
            return items
        case .null:
            return nil
        case .scalar(let text):
            report(entry, "expected a list, such as [\(text.prefix(40))]")
            return nil
        case .mapping:
            report(entry, "expected a list, found \(entry.noun)")
            return nil
        }
    }

    mutating func members(_ entry: Entry) -> [Entry.Member]? {
        origins[entry.path] = entry.origin
        switch entry.value {
        case .mapping(let members): return members
        case .null: return []
        case .scalar, .list:
            report(entry, "expected a section of keys, found \(entry.noun)")
            return nil
        }
    }

    mutating func section<Value: Section>(_ entry: Entry, _ value: inout Value) {
        guard let members = members(entry) else { return }
        let fields = Value.fields
        for member in members {
            guard let field = fields.first(where: { $0.name == member.name }) else {
                let hint = NearestName.hint(member.name, among: fields.map(\.name))
                report(member.origin, member.entry.path, "there is no such key; \(hint)")
                continue
            }
            field.read(member.entry, &value, &self)
        }
        for field in fields where field.isRequired {
            let isThere = members.contains {
                guard $0.name == field.name else { return false }
                // A list that is required but has nothing behind it was not reported yet; a scalar was.
                if case .list = field.shape { return !$0.entry.isNull }
                return true
            }
            if !isThere { report(entry.origin, entry.path(of: field.name), "is required: \(field.doc)") }
        }
    }

    /// The secret in a file, whose path may be relative to the settings' folder.
    mutating func secret(_ entry: Entry, in file: String) -> Secret? {
        let path = FilePath.resolve(file, from: folder)
        files.append(path)
        do {
            return Secret(octets: try SecretFile.load(fromFile: path), file: path)
        } catch {
            report(entry, error.description)
            return nil
        }
    }
}
