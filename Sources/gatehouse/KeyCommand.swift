import ArgumentParser
import Secrets

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make secrets that tokens are signed with.", subcommands: [Generate.self])

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new secret: 256 random bits, as text.",
            discussion: """
                With --output, the secret is written to that file, readable by its owner only; a file that exists is left as
                it is. Name it in the settings: tokens.secret_file, or tokens.keys to change a secret without signing anybody out.
                Without, the secret is printed.
                """)

        @Option(name: .shortAndLong, help: ArgumentHelp("The file to make.", valueName: "file"))
        var output: String?

        func run() throws {
            if let output {
                try SecretFile.generate(at: output)
                Console.say("\(output): a new secret; keep it from everybody else")
            } else {
                Console.say(String(decoding: Base64URL.encode(try SecureRandom.bytes(32)), as: UTF8.self))
            }
        }
    }
}
