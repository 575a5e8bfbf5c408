import ArgumentParser
import Glibc
import Loop
import Settings

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Try the gateway: everything in one process, with a user and an upstream.",
        discussion: """
            Starts the gateway, a SQLite database with the user alice (password secret123, id 101), and a small upstream that
            answers with her profile; prints what to type. Everything it writes is gone when it ends.
            """)

    @Option(help: "The port to listen at, on 127.0.0.1.")
    var port: UInt16 = 8080

    func validate() throws {
        guard port != 0 else { throw ValidationError("--port takes a number from 1 to 65535.") }
    }

    func run() throws {
        var signals = Signals([SIGTERM, SIGINT])
        let folder = try DemoFolder()
        defer { folder.remove() }
        let demo = try RunningDemo(port: port, folder: folder.path)
        Console.say(text(folder: folder.path))
        _ = signals.wait()
        try demo.stop()
    }

    private func text(folder: String) -> String {
        let url = "http://127.0.0.1:\(port)"
        let login = #"-H 'Content-Type: application/json' -d '{"username":"alice","password":"secret123"}'"#
        return """

            The gateway is at \(url), with alice (password secret123) and a profile service behind it.

            In a browser:
              \(url)/profile

            With a session, which is looked up in a database on every request:
              curl -i -c \(folder)/session '\(url)/login' \(login)
              curl -i -b \(folder)/session \(url)/profile
              curl -i -b \(folder)/session -X POST \(url)/logout

            With a token, which is checked by its signature alone:
              curl -i -c \(folder)/token '\(url)/login?issue=token' \(login)
              curl -i -b \(folder)/token \(url)/profile

            Not signed in: 401. Without a need to be: 200.
              curl -i \(url)/profile
              curl -i \(url)/public/hello

            Ctrl-C ends it. One line for each request follows.

            """
    }
}
