import ArgumentParser
import FoundationEssentials
import Settings

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the settings, show what holds, describe the file.",
        subcommands: [Check.self, Print.self, Schema.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find every problem of the settings, with file, line and key.",
            discussion: """
                Checks the file and the GATEHOUSE_ environment variables as `serve` would, then asks the databases of users, sessions and
                failed sign-ins for the tables, columns and rights that are needed. It changes nothing there. Redis is not asked:
                `gatehouse health` tells of it.

                Exit status 78: there are problems; 1: a database cannot be reached, so it is not known whether there are.
                """)

        @OptionGroup var options: ConfigOptions
        @Flag(help: "Look at the settings alone, and connect to nothing.")
        var offline = false
        @Flag(help: "A JSON list of the problems, for editors and pipelines.")
        var json = false

        func run() throws {
            let path = try options.path()
            do {
                let loaded = try Settings.load(path: path, environment: ProcessInfo.processInfo.environment)
                let warnings = loaded.warnings + (offline ? [] : try findings(loaded))
                if json { return Console.say(JSONText.array(warnings.map(\.json)).text) }
                for warning in warnings { Console.complain(warning.description) }
                Console.say("\(path): no problems" + (warnings.isEmpty ? "" : ", \(warnings.count) to think about"))
            } catch let error as SettingsError {
                if json {
                    Console.say(JSONText.array(error.problems.map(\.json)).text)
                } else {
                    Console.complain(error.description)
                }
                throw CommandFailure("", status: .configuration)
            }
        }

        /// What the databases give to think about; throws what keeps the settings from working there.
        private func findings(_ loaded: LoadedSettings) throws -> [SettingProblem] {
            var check = DatabaseCheck(loaded)
            try check.run()
            let problems = loaded.warnings + check.findings
            if problems.contains(where: { $0.severity == .error }) { throw SettingsError(problems: problems) }
            return check.findings
        }
    }

    struct Print: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the settings that hold, defaults and environment included, as YAML.",
            discussion: "Secrets are left out; paths are absolute.")

        @OptionGroup var options: ConfigOptions

        func run() throws {
            Console.say(String(try options.load().settings.printed.dropLast()))
        }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a JSON Schema of the settings file, for completion in an editor.",
            discussion: """
                For editors with the YAML language server:
                  gatehouse config schema > gatehouse.schema.json
                and as the first line of the settings:
                  # yaml-language-server: $schema=gatehouse.schema.json
                """)

        func run() { Console.say(Settings.schema.text) }
    }
}

extension SettingProblem {
    fileprivate var json: JSONText {
        var members: [(String, JSONText)] = [("severity", .string(severity.rawValue))]
        switch origin {
        case .file(let line, let column):
            members += [("file", .string(file)), ("line", .integer(Int64(line))), ("column", .integer(Int64(column)))]
        case .environment(let name):
            members.append(("variable", .string(name)))
        }
        members += [("path", .string(path)), ("message", .string(message))]
        return .object(members)
    }
}
