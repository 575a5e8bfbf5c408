/// Where the audit log goes.
package enum AuditPlace: Equatable, Sendable {
    case off, standardOutput, standardError
    /// Absolute once the settings are loaded.
    case file(path: String)
}

extension AuditPlace {
    mutating func settle(folder: String) {
        if case .file(let path) = self { self = .file(path: FilePath.resolve(path, from: folder)) }
    }
}

extension Codec where Value == AuditPlace {
    /// A file's path has a slash in it, so that a word that is written wrong makes no file of its name.
    static var auditPlace: Self {
        Codec(
            schema: [
                (
                    "anyOf",
                    .array([
                        .object([("enum", .array(["stdout", "stderr", "off"].map(JSONText.string)))]),
                        .object([("type", .string("string")), ("pattern", .string("^.*/[^/]+$"))]),
                    ])
                )
            ],
            parse: { (text) throws(Fault) in
                switch text {
                case "off": return .off
                case "stdout": return .standardOutput
                case "stderr": return .standardError
                default:
                    guard text.utf8.contains(UInt8(ascii: "/")), text.utf8.last != UInt8(ascii: "/"), !text.utf8.contains(0) else {
                        let hint = NearestName.of(text, among: ["stdout", "stderr", "off"]).map { "; did you mean `\($0)`?" } ?? ""
                        throw Fault(
                            "expected stdout, stderr, off, or the path of a file with a slash in it, such as ./audit.log; found `\(text)`\(hint)"
                        )
                    }
                    return .file(path: text)
                }
            },
            write: {
                switch $0 {
                case .off: .text("off")
                case .standardOutput: .text("stdout")
                case .standardError: .text("stderr")
                case .file(let path): .text(path)
                }
            })
    }
}
