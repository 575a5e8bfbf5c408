import Yams

/// Reads one YAML document into entries that know their line and column.
///
/// Yams gives up at the first key that is written twice. To report those with everything else, the first of the two is
/// renamed in the text, by a private-use character in the place of its first one, and the text is read again.
struct YAMLText {
    private var scalars: [Unicode.Scalar]
    private let file: String
    /// Keys that were renamed: their place and true name.
    private var renamed: [Place: String] = [:]
    private(set) var problems: [SettingProblem] = []

    private struct Place: Hashable {
        let line: Int
        let column: Int
    }

    /// Private use, so that no key of ours can begin with one; the number also bounds the work.
    private static let markers: ClosedRange<UInt32> = 0xE000...0xE0FF

    init(_ text: String, file: String) {
        self.file = file
        scalars = Array(text.unicodeScalars)
    }

    /// The document's root; nil when there is none or it is not YAML. `problems` says why.
    mutating func read() -> Entry? {
        for marker in Self.markers {
            do {
                var view = String.UnicodeScalarView()
                view.append(contentsOf: scalars)
                // Scalars are read as text here, so there is no need for the patterns by which Yams would tell their types: they cost
                // a start some milliseconds and two megabytes.
                guard let root = try Yams.compose(yaml: String(view), .basic) else { return nil }
                return entry(root, path: "", fallback: .file(line: 1, column: 1))
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard rename(at: context.mark, with: marker) else {
                    report(context.mark, "the key \(names.map { "`\($0)`" }.joined(separator: ", ")) is written twice")
                    return nil
                }
            } catch let error as YamlError {
                report(error)
                return nil
            } catch {
                problems.append(problem(.file(line: 1, column: 1), "", "cannot be read as YAML: \(error)"))
                return nil
            }
        }
        return nil
    }

    // MARK: Keys that are written twice

    private mutating func rename(at mark: Mark, with marker: UInt32) -> Bool {
        guard var index = index(of: mark), let replacement = Unicode.Scalar(marker) else { return false }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard index < scalars.count, isNameStart(scalars[index]) else { return false }
        var name = String.UnicodeScalarView()
        var end = index
        while end < scalars.count, isNameStart(scalars[end]) || ".-/".unicodeScalars.contains(scalars[end]) {
            name.append(scalars[end])
            end += 1
        }
        scalars[index] = replacement
        renamed[Place(line: mark.line, column: mark.column)] = String(name)
        return true
    }

    private func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
    }

    /// The scalar at a mark, or nil when the file's line breaks are too odd to find it.
    private func index(of mark: Mark) -> Int? {
        var line = 1
        var index = 0
        while line < mark.line, index < scalars.count {
            if scalars[index] == "\n" { line += 1 }
            index += 1
        }
        index += mark.column - 1
        return index < scalars.count ? index : nil
    }

    // MARK: Nodes

    private mutating func entry(_ node: Node, path: String, fallback: Origin) -> Entry {
        let origin = node.mark.map { Origin.file(line: $0.line, column: $0.column) } ?? fallback
        var entry = Entry(path: path, origin: origin, value: .null)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            if !(isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)) {
                entry.value = .scalar(scalar.string)
            }
        case .sequence(let nodes):
            var items: [Entry] = []
            for (index, node) in nodes.enumerated() {
                items.append(self.entry(node, path: entry.path(of: index), fallback: origin))
            }
            entry.value = .list(items)
        case .mapping(let mapping):
            entry.value = .mapping(members(mapping, of: entry))
        case .alias:
            problems.append(problem(origin, path, "an alias that cannot be resolved"))
        }
        return entry
    }

    private mutating func members(_ mapping: Node.Mapping, of parent: Entry) -> [Entry.Member] {
        var members: [Entry.Member] = []
        var dropped: [(name: String, line: Int)] = []
        for (key, value) in mapping {
            let origin = key.mark.map { Origin.file(line: $0.line, column: $0.column) } ?? parent.origin
            guard case .scalar(let scalar) = key else {
                problems.append(problem(origin, parent.path, "a key must be a name"))
                continue
            }
            let original = key.mark.flatMap { renamed[Place(line: $0.line, column: $0.column)] }
            let name = original ?? scalar.string
            let path = parent.path(of: name)
            if let first = dropped.last(where: { $0.name == name }) {
                problems.append(problem(origin, path, "the key is written twice; the other one stands in line \(first.line)"))
            }
            if original == nil {
                members.append(.init(name: name, origin: origin, entry: entry(value, path: path, fallback: origin)))
            } else if let mark = key.mark {
                dropped.append((name, mark.line))
            }
        }
        return members
    }

    // MARK: Errors

    private func problem(_ origin: Origin, _ path: String, _ message: String) -> SettingProblem {
        SettingProblem(severity: .error, file: file, origin: origin, path: path, message: message)
    }

    private mutating func report(_ mark: Mark, _ message: String) {
        problems.append(problem(.file(line: max(mark.line, 1), column: max(mark.column, 1)), "", message))
    }

    private mutating func report(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let during = context.map { " (\($0.text), begun in line \($0.mark.line))" } ?? ""
            report(mark, "not YAML: \(problem)\(during)")
        case .reader(let problem, let offset, _, _):
            let before = scalars.prefix(offset ?? 0)
            let line = 1 + before.count { $0 == "\n" }
            problems.append(self.problem(.file(line: line, column: 1), "", "not YAML: \(problem)"))
        default:
            problems.append(problem(.file(line: 1, column: 1), "", "cannot be read as YAML: \(error)"))
        }
    }
}
