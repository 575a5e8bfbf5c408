import ArgumentParser
import Glibc

/// The program: its commands, and how it ends.
struct GatehouseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatehouse",
        abstract: "A reverse proxy that signs people in, and tells the servers behind it who they are.",
        discussion: """
            To try it:            gatehouse demo
            To set it up:         copy config/gatehouse.yaml, change it, then
                                  gatehouse config check
                                  gatehouse key generate --output token.secret
                                  gatehouse user add alice
                                  gatehouse serve
            To see why a request passes or does not:
                                  gatehouse explain GET /profile --as alice

            Exit status: 0 done, 1 failed, 2 wrong usage, 78 the settings have problems.
            """,
        subcommands: [
            ServeCommand.self, DemoCommand.self, ConfigCommand.self, ExplainCommand.self, UserCommand.self,
            SessionCommand.self, KeyCommand.self, HealthCommand.self, VersionCommand.self,
        ])

    /// Runs the command that `arguments` name and returns the exit status. Everything that goes wrong is one plain message on
    /// standard error.
    static func run(_ arguments: [String]) -> Int32 {
        var command: any ParsableCommand
        do { command = try parseAsRoot(arguments) } catch { return end(by: error) }
        do {
            try command.run()
            return 0
        } catch let failure as CommandFailure {
            if !failure.message.isEmpty { Console.complain(failure.message) }
            return failure.status.rawValue
        } catch {
            // The parser's own commands, `help` among them, throw what they have to say.
            if [.success, .validationFailure].contains(exitCode(for: error)) { return end(by: error) }
            Console.complain("gatehouse: \(error)")
            return CommandFailure.Status.failed.rawValue
        }
    }

    /// What the argument parser has to say: a command's help, or what is wrong with the arguments.
    private static func end(by error: any Error) -> Int32 {
        let code = exitCode(for: error)
        if code == .success {
            Console.say(fullMessage(for: error))
            return 0
        }
        Console.complain(fullMessage(for: error))
        return CommandFailure.Status.usage.rawValue
    }
}

/// Why a command did not do what it was asked for. Errors of the other rooms need no translation: they say what is wrong.
struct CommandFailure: Error {
    enum Status: Int32 {
        case failed = 1
        case usage = 2
        /// EX_CONFIG of sysexits.h(3head).
        case configuration = 78
    }

    let status: Status
    /// For a person; empty when all has been said.
    let message: String

    init(_ message: String, status: Status = .failed) {
        (self.status, self.message) = (status, message)
    }
}
