import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    /// Semantic Versioning 2.0; changed with each release.
    static let version = "0.1.0"

    func run() { Console.say("gatehouse \(Self.version)") }
}
