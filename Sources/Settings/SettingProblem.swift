/// Where a setting was written.
package enum Origin: Hashable, Sendable {
    /// Line and column, both from 1.
    case file(line: Int, column: Int)
    /// The name of the environment variable.
    case environment(String)
}

/// One thing that is wrong with the settings: where it stands, which key it is, and what to do about it.
package struct SettingProblem: Error, Hashable, Sendable {
    package enum Severity: String, Sendable { case error, warning }

    package let severity: Severity
    /// The name of the settings file as the user gave it.
    package let file: String
    package let origin: Origin
    /// The key, such as `sessions.idle_timeout` or `routes[2].upstream`; empty for the file as a whole.
    package let path: String
    package let message: String
}

extension SettingProblem: CustomStringConvertible {
    /// `gatehouse.yaml:12:3: sessions.idle_timeout: …`, or the variable's name in the place of file, line and column.
    package var description: String {
        let place =
            switch origin {
            case .file(let line, let column): "\(file):\(line):\(column)"
            case .environment(let name): name
            }
        let subject = path.isEmpty ? "" : "\(path): "
        return "\(place): \(severity == .warning ? "warning: " : "")\(subject)\(message)"
    }
}

extension SettingProblem: Comparable {
    /// The file's problems from top to bottom, then the environment's by name.
    package static func < (left: SettingProblem, right: SettingProblem) -> Bool {
        switch (left.origin, right.origin) {
        case (.file(let line, let column), .file(let otherLine, let otherColumn)):
            (line, column, left.path, left.message) < (otherLine, otherColumn, right.path, right.message)
        case (.file, .environment): true
        case (.environment, .file): false
        case (.environment(let name), .environment(let other)): (name, left.message) < (other, right.message)
        }
    }
}

/// Why settings were not accepted: every problem of the file and the environment, in order.
package struct SettingsError: Error, CustomStringConvertible, Sendable {
    package let problems: [SettingProblem]
    /// The files that were read, or should have been: a change of any may mend it.
    package let files: [String]

    package init(problems: [SettingProblem], files: [String] = []) {
        self.problems = problems
        self.files = files
    }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
