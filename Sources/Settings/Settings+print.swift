extension Settings {
    /// The settings as YAML, every key with the value that holds, secrets left out. What it prints can be loaded again.
    package var printed: String { output.yaml }

    /// A JSON Schema (draft 2020-12) of the settings file, for editors.
    package static var schema: JSONText {
        .object(
            [
                ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
                ("title", .string("Gatehouse settings")),
            ] + Shape.section(Settings.keys).schema)
    }
}

extension Shape {
    fileprivate var schema: [(String, JSONText)] {
        switch self {
        case .scalar(let schema):
            return schema
        case .list(let items, let isFilled):
            return [("type", .string("array")), ("items", .object(items.schema))]
                + (isFilled ? [("minItems", .integer(1))] : [])
        case .map(let names, let values):
            return [
                ("type", .string("object")), ("propertyNames", .object([("pattern", .string(names.pattern))])),
                ("additionalProperties", .object(values.schema)),
            ]
        case .section(let keys):
            let required = keys.filter(\.isRequired).map { JSONText.string($0.name) }
            return [
                ("type", .string("object")),
                ("properties", .object(keys.compactMap { key in key.schema.map { (key.name, .object($0)) } })),
                ("additionalProperties", .boolean(false)),
            ] + (required.isEmpty ? [] : [("required", .array(required))])
        case .refused:
            return []
        }
    }
}

extension Key {
    /// nil for a key that is not to be had.
    fileprivate var schema: [(String, JSONText)]? {
        if case .refused = shape { return nil }
        var schema: [(String, JSONText)] = [("description", .string(doc))]
        schema += shape.schema
        if !isRequired, let fallback = fallback?.json ?? fallbackOfMap { schema.append(("default", fallback)) }
        return schema
    }

    /// The members of a map stand in no schema of their own, as a section's keys do.
    private var fallbackOfMap: JSONText? {
        guard case .map = shape, let members = fallback?.jsonMembers, !members.isEmpty else { return nil }
        return .object(members)
    }
}

extension Output {
    /// nil for a section: its keys have their own defaults.
    fileprivate var json: JSONText? {
        switch self {
        case .bare(let word): Int64(word).map(JSONText.integer) ?? .string(word)
        case .text(let text): .string(text)
        case .list(let items): .array(items.map { $0.json ?? .object($0.jsonMembers) })
        case .section: nil
        }
    }

    fileprivate var jsonMembers: [(String, JSONText)] {
        guard case .section(let members) = self else { return [] }
        return members.map { ($0.name, $0.value.json ?? .object($0.value.jsonMembers)) }
    }
}
