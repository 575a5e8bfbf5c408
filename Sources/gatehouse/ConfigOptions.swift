import ArgumentParser
import FoundationEssentials
import Glibc
import Settings

/// Where a command finds the settings.
struct ConfigOptions: ParsableArguments {
    private static let places = ["gatehouse.yaml", "/etc/gatehouse/gatehouse.yaml"]

    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            "The settings file. Without it: ./gatehouse.yaml, then /etc/gatehouse/gatehouse.yaml.", valueName: "file"))
    var config: String?

    /// Reads and checks the file and the environment; every problem is in the failure.
    func load() throws(CommandFailure) -> LoadedSettings {
        let path = try path()
        do {
            return try Settings.load(path: path, environment: ProcessInfo.processInfo.environment)
        } catch {
            throw CommandFailure(error.description, status: .configuration)
        }
    }

    func path() throws(CommandFailure) -> String {
        if let config { return config }
        for place in Self.places where unsafe access(place, F_OK) == 0 { return place }
        throw CommandFailure(
            """
            gatehouse: there is no settings file: neither ./gatehouse.yaml nor /etc/gatehouse/gatehouse.yaml.
            Name one with --config FILE, or try the gateway without any: gatehouse demo
            """, status: .configuration)
    }
}
