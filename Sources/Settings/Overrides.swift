/// Environment variables laid over the file: `GATEHOUSE_SESSIONS__STORE` for `sessions.store`,
/// `GATEHOUSE_LISTEN__0__ADDRESS` for the first listener's address.
struct Overrides {
    private static let prefix = "GATEHOUSE_"
    private let variables: [(name: String, parts: [String], value: String)]
    private let file: String
    private(set) var problems: [SettingProblem] = []

    init(_ environment: [String: String], file: String) {
        self.file = file
        variables = environment.compactMap { name, value in
            guard name.utf8.starts(with: Self.prefix.utf8) else { return nil }
            let rest = String(name.utf8.dropFirst(Self.prefix.utf8.count)) ?? ""
            guard !Self.isServiceLink(rest) else { return nil }
            return (name, Self.parts(rest), value)
        }.sorted { Self.precedes($0.parts, $1.parts) }
    }

    /// Kubernetes gives every container of a namespace with a Service named "gatehouse" such variables.
    private static func isServiceLink(_ rest: String) -> Bool {
        if rest == "PORT" || rest == "SERVICE_HOST" || rest == "SERVICE_PORT" { return true }
        if rest.utf8.starts(with: "SERVICE_PORT_".utf8) { return true }
        guard rest.utf8.starts(with: "PORT_".utf8) else { return false }
        let parts = rest.split(separator: "_")
        return parts.count >= 3 && Decimal.parse(parts[1].utf8) != nil && ["TCP", "UDP", "SCTP"].contains(parts[2])
    }

    private static func parts(_ rest: String) -> [String] {
        var parts: [String] = []
        var remaining = rest.utf8[...]
        while let separator = remaining.firstRange(of: "__".utf8) {
            parts.append(String(Substring(remaining[..<separator.lowerBound])))
            remaining = remaining[separator.upperBound...]
        }
        return parts + [String(Substring(remaining))]
    }

    /// Numbers by size, so that an item is added to a list behind those before it.
    private static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (a, b) in zip(left, right) where a != b {
            if let a = Decimal.parse(a.utf8), let b = Decimal.parse(b.utf8) { return a < b }
            return a < b
        }
        return left.count < right.count
    }

    mutating func apply(to root: inout Entry, keys: [Key]) {
        for variable in variables {
            let source = Source(name: variable.name, value: variable.value)
            if let message = source.lay(over: &root, shape: .section(keys), parts: variable.parts[...]) {
                problems.append(
                    SettingProblem(
                        severity: .error, file: file, origin: .environment(variable.name), path: "", message: message))
            }
        }
    }
}

/// One variable, on its way down to the key that it names.
private struct Source {
    let name: String
    let value: String

    /// Returns what is wrong with the name; nil when its value was laid over.
    func lay(over entry: inout Entry, shape: Shape, parts: ArraySlice<String>) -> String? {
        guard let part = parts.first else {
            guard case .scalar = shape else { return "\(entry.path) is no single value; name one of its keys behind `__`" }
            entry = Entry(path: entry.path, origin: .environment(name), value: .scalar(value))
            return nil
        }
        let rest = parts.dropFirst()
        switch shape {
        case .scalar: return "\(entry.path) is a single value and has no keys"
        case .refused: return "\(entry.path) is not available in this version"
        case .section(let keys):
            let wanted = part.lowercased()
            guard let key = keys.first(where: { $0.name == wanted }) else {
                let place = entry.path.isEmpty ? "" : " in \(entry.path)"
                return "there is no key `\(wanted)`\(place); \(NearestName.hint(wanted, among: keys.map(\.name)))"
            }
            return lay(overMember: key.name, of: &entry, shape: key.shape, rest: rest)
        case .map(let names, let shape):
            guard case .mapping(let members) = prepared(entry) else { return nil }
            let folded = folded(part)
            let name = members.first { self.folded($0.name) == folded }?.name ?? names.fromEnvironment(part)
            return lay(overMember: name, of: &entry, shape: shape, rest: rest)
        case .list(let shape, _):
            return lay(overItem: part, of: &entry, shape: shape, rest: rest)
        }
    }

    private func lay(overMember name: String, of entry: inout Entry, shape: Shape, rest: ArraySlice<String>) -> String? {
        // What is no mapping in the file is the file's problem, and reported there.
        guard case .mapping(var members) = prepared(entry) else { return nil }
        let index = members.firstIndex { $0.name == name }
        let origin = Origin.environment(self.name)
        var member =
            index.map { members[$0] }
            ?? Entry.Member(name: name, origin: origin, entry: Entry(path: entry.path(of: name), origin: origin, value: .null))
        if let message = lay(over: &member.entry, shape: shape, parts: rest) { return message }
        if let index { members[index] = member } else { members.append(member) }
        entry.value = .mapping(members)
        return nil
    }

    private func lay(overItem part: String, of entry: inout Entry, shape: Shape, rest: ArraySlice<String>) -> String? {
        guard let index = Decimal.parse(part.utf8) else { return "`\(part)` is no index of the list \(entry.path)" }
        var items: [Entry] = []
        switch entry.value {
        case .list(let written): items = written
        case .null: break
        case .scalar, .mapping: return nil
        }
        guard index <= items.count else {
            return "\(entry.path) has \(items.count) items; the next one has the index \(items.count)"
        }
        let position = Int(index)
        if position == items.count {
            items.append(Entry(path: entry.path(of: position), origin: .environment(name), value: .null))
        }
        if let message = lay(over: &items[position], shape: shape, parts: rest) { return message }
        entry.value = .list(items)
        return nil
    }

    /// A section with nothing behind it takes keys as an empty one does.
    private func prepared(_ entry: Entry) -> Entry.Value { entry.isNull ? .mapping([]) : entry.value }

    private func folded(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
    }
}
