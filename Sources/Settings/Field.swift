/// A part of the settings that is a mapping of known keys. A new value holds the defaults.
protocol Section: Sendable, Equatable {
    init()
    /// Every key, in the order in which they are printed: the one description that checking, printing, the JSON Schema
    /// and the environment's overrides work from.
    static var fields: [Field<Self>] { get }
}

/// One key of a section: how it is read into the section, and written back out of it.
struct Field<Root: Sendable>: Sendable {
    let name: String
    /// One sentence for people, shown by the schema.
    let doc: String
    var isRequired = false
    let shape: Shape
    let read: @Sendable (Entry, inout Root, inout Reading) -> Void
    /// nil when there is nothing to write.
    let write: @Sendable (Root) -> Output?
}

/// What may stand behind a key, without the types: for the schema and for the environment.
indirect enum Shape: Sendable {
    case scalar(schema: [(String, JSONText)])
    /// With `isFilled`, of one item at least.
    case list(Shape, isFilled: Bool)
    case section([Key])
    /// Names of the user's own choice, all with the same shape behind them.
    case map(names: NameRule, Shape)
    /// Known, but not to be had in this version.
    case refused
}

/// A field without its types.
struct Key: Sendable {
    let name: String
    let doc: String
    let isRequired: Bool
    let shape: Shape
    /// What holds when the key is left out, as it would be printed.
    let fallback: Output?
}

/// What names a map's keys may have.
struct NameRule: Sendable {
    /// In a problem: "expected …".
    let what: String
    /// For the schema.
    let pattern: String
    let accepts: @Sendable (String) -> Bool
    /// The name that an environment variable's part stands for when the file has no such name.
    let fromEnvironment: @Sendable (String) -> String
}

extension Section {
    static var keys: [Key] {
        let defaults = Self()
        return fields.map {
            Key(name: $0.name, doc: $0.doc, isRequired: $0.isRequired, shape: $0.shape, fallback: $0.write(defaults))
        }
    }

    var output: Output {
        .section(Self.fields.compactMap { field in field.write(self).map { .init(name: field.name, value: $0) } })
    }
}

// MARK: Scalars

extension Field {
    static func scalar<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: Codec<Value>, isRequired: Bool = false,
        _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, isRequired: isRequired, shape: .scalar(schema: codec.schema),
            read: { entry, root, reading in
                if let value = reading.scalar(entry, codec) { root[keyPath: path] = value }
            },
            write: { codec.write($0[keyPath: path]) })
    }

    static func optional<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, _ codec: Codec<Value>, isRequired: Bool = false,
        _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, isRequired: isRequired, shape: .scalar(schema: codec.schema),
            read: { entry, root, reading in
                if let value = reading.scalar(entry, codec) { root[keyPath: path] = value }
            },
            write: { $0[keyPath: path].map(codec.write) })
    }

    /// A list of scalars, no two of them equal; with `isFilled`, not empty when it is written at all.
    static func scalars<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, [Value]> & Sendable, _ codec: Codec<Value>, isRequired: Bool = false,
        isFilled: Bool = false, _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, isRequired: isRequired,
            shape: .list(.scalar(schema: codec.schema), isFilled: isFilled || isRequired),
            read: { entry, root, reading in
                guard let items = reading.list(entry, isFilled: isFilled || isRequired) else { return }
                var values: [Value] = []
                for item in items {
                    guard let value = reading.scalar(item, codec) else { continue }
                    if values.contains(value) { reading.report(item, "is in the list twice") }
                    values.append(value)
                }
                root[keyPath: path] = values
            },
            write: { root in
                let values = root[keyPath: path]
                return isFilled && values.isEmpty ? nil : .list(values.map(codec.write))
            })
    }

    /// A secret, and beside it `…_file` with the path of a file that holds it.
    static func secret(
        _ name: String, _ path: any WritableKeyPath<Root, Secret?> & Sendable, _ doc: String
    ) -> [Field] {
        let here = Codec<String>.secretText
        let file = Codec<String>.path
        let store: @Sendable (Entry, Secret?, inout Root, inout Reading) -> Void = { entry, secret, root, reading in
            if root[keyPath: path] != nil {
                reading.report(entry, "only one of `\(name)` and `\(name)_file` can be given")
            } else if let secret {
                root[keyPath: path] = secret
            }
        }
        return [
            Field(
                name: name, doc: doc, shape: .scalar(schema: here.schema),
                read: { entry, root, reading in
                    let text = reading.scalar(entry, here)
                    store(entry, text.map { Secret(octets: Array($0.utf8), file: nil) }, &root, &reading)
                },
                write: { $0[keyPath: path].flatMap { $0.file == nil ? .text(Secret.redacted) : nil } }),
            Field(
                name: "\(name)_file", doc: "The path of a file that holds `\(name)`; one newline at its end is not part of it.",
                shape: .scalar(schema: file.schema),
                read: { entry, root, reading in
                    let secret = reading.scalar(entry, file).flatMap { reading.secret(entry, in: $0) }
                    store(entry, secret, &root, &reading)
                },
                write: { $0[keyPath: path]?.file.map(Output.text) }),
        ]
    }
}

// MARK: Sections, lists of them, maps

extension Field {
    static func section<Value: Section>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, shape: .section(Value.keys),
            read: { entry, root, reading in reading.section(entry, &root[keyPath: path]) },
            write: { $0[keyPath: path].output })
    }

    static func sections<Value: Section>(
        _ name: String, _ path: any WritableKeyPath<Root, [Value]> & Sendable, _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, shape: .list(.section(Value.keys), isFilled: false),
            read: { entry, root, reading in
                guard let items = reading.list(entry, isFilled: false) else { return }
                root[keyPath: path] = items.map { item in
                    var value = Value()
                    reading.section(item, &value)
                    return value
                }
            },
            write: { .list($0[keyPath: path].map(\.output)) })
    }

    /// A mapping of the user's own names, kept as a list in the order of the file; each value knows its name.
    static func map<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Root, [Value]> & Sendable, names: NameRule, of shape: Shape,
        read: @escaping @Sendable (Entry.Member, inout Reading) -> Value?,
        write: @escaping @Sendable (Value) -> Output.Member, _ doc: String
    ) -> Field {
        Field(
            name: name, doc: doc, shape: .map(names: names, shape),
            read: { entry, root, reading in
                guard let members = reading.members(entry) else { return }
                root[keyPath: path] = members.compactMap { member in
                    guard names.accepts(member.name) else {
                        reading.report(member.origin, member.entry.path, "expected \(names.what), found `\(member.name)`")
                        return nil
                    }
                    return read(member, &reading)
                }
            },
            write: { .section($0[keyPath: path].map(write)) })
    }

    /// A key that people may expect, with the reason why it is not to be had.
    static func refused(_ name: String, _ reason: String) -> Field {
        Field(
            name: name, doc: reason, shape: .refused,
            read: { entry, _, reading in reading.report(entry, reason) },
            write: { _ in nil })
    }
}
