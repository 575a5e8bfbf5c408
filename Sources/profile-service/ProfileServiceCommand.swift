import ArgumentParser
import Glibc
import Loop
import Profile

/// The command line of the profile service. Exit status: 0 stopped as it was told to, 1 failed, 2 usage.
struct ProfileServiceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile-service",
        abstract: "A small upstream to try the gateway with: answers with the profile of the user in X-User-Id.",
        discussion: """
            GET /profile answers with the profile of the user whom X-User-Id names, from a table in SQLite. GET /public/hello answers
            everybody. It believes the header, so let nobody but the gateway reach it.
            """)

    @Option(help: ArgumentHelp("Where to listen: a numeric address and a port.", valueName: "address"))
    var listen = "127.0.0.1:9001"

    @Option(
        help: ArgumentHelp(
            "The SQLite file with the table of profiles; made where it is not there. Without it, the table is in memory.",
            valueName: "file"))
    var database: String?

    @Flag(help: "Add the profile of alice (user 101) to the file. A table in memory always has it.")
    var seed = false

    /// Milliseconds for what is in flight when it is told to stop.
    private static let drain: Int64 = 5_000

    /// Parses the command line, serves until a signal comes, and ends the process.
    static func run(_ signals: Signals) -> Never {
        let command: ProfileServiceCommand
        do {
            command = try parse()
        } catch {
            if exitCode(for: error) == .success {
                say(fullMessage(for: error), STDOUT_FILENO)
                Glibc.exit(0)
            }
            say(fullMessage(for: error), STDERR_FILENO)
            Glibc.exit(2)
        }
        guard let address = SocketAddress(numeric: command.listen) else {
            say(
                "profile-service: --listen takes a numeric address and a port, such as 127.0.0.1:9001 or [::1]:9001", STDERR_FILENO)
            Glibc.exit(2)
        }
        do {
            try command.serve(at: address, until: signals)
        } catch {
            say("profile-service: \(error)", STDERR_FILENO)
            Glibc.exit(1)
        }
        Glibc.exit(0)
    }

    private func serve(at address: SocketAddress, until signals: Signals) throws {
        var signals = signals
        let profiles = try ProfileDatabase(path: database)
        if seed || database == nil { try profiles.add(.alice) }
        let service = try MainLoop.run { try await ProfileService(at: address, database: profiles) }
        ProfileServiceCommand.say("profile-service: ready at http://\(service.address.text)", STDOUT_FILENO)
        _ = signals.wait()
        try MainLoop.run { await service.stop(drain: ProfileServiceCommand.drain) }
    }

    private static func say(_ text: String, _ descriptor: Int32) {
        let line = Array("\(text)\n".utf8)
        _ = unsafe write(descriptor, line, line.count)
    }
}
