import Access
import ArgumentParser
import Gateway
import Secrets
import Settings

struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add, list, change and remove users.",
        discussion: """
            Works on users.store of the settings, also while the gateway runs. A user is named by the user name. Where users.table or
            users.query names another program's users, list and show work, and the rest is that program's.
            """,
        subcommands: [
            Add.self, List.self, Show.self, Passwd.self, Disable.self, Enable.self, Remove.self,
        ])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user; the password is asked for.",
            discussion: "In scripts: printf %s \"$PASSWORD\" | gatehouse user add alice --password-stdin")

        @Argument(help: "The user name, exactly as it will be typed.")
        var name: String
        @Option(help: "The role, which routes can require and upstreams are told; several as admin,staff.")
        var role = "user"
        @Option(help: "The user's id, a number. Without it: the next free one.")
        var id: String?
        @Flag(help: "Take the password from standard input.")
        var passwordStdin = false
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let settings = try options.load().settings
            try settings.requireOwnUsers()
            let policy = try settings.passwordPolicy()
            let audit = try CommandAudit(settings)
            let username: UserName
            let userID: UserID?
            do {
                // Before the password is asked for.
                username = try UserName(name, settings.users.usernames.comparison)
                userID = try id.map { try UserID($0) }
                try RoleList.check(Array(role.utf8))
            } catch {
                throw CommandFailure("gatehouse: \(error)", status: .usage)
            }
            let password = try PasswordPrompt.newPassword(for: name, fromStandardInput: passwordStdin)
            let user = try NewUser(id: userID, username: username, passwordHash: try policy.hash(password), role: role)
            let added = try CommandStores.run(settings, create: true) { stores in
                try await stores.ownUsers().insert(user, now: Moment.now)
            }
            try audit.record(.userAdded, of: added)
            Console.say("added \(added.username), id \(added.id)")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all users.")

        @Flag(help: "As JSON, for scripts.")
        var json = false
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let users = try CommandStores.run(try options.load().settings) { stores in
                try await stores.users.all(limit: .max)
            }
            if json { return Console.say(JSONText.array(users.map(\.json)).text) }
            if users.isEmpty { return Console.say("There are no users yet: gatehouse user add NAME") }
            var table = Table(["ID", "NAME", "ROLE", "STATE"])
            for user in users { table.add([user.id.text, user.username, user.role, user.isDisabled ? "disabled" : "active"]) }
            Console.say(table.text)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one user, and the user's sessions.")

        @OptionGroup var user: UserArgument
        @Flag(help: "As JSON, for scripts.")
        var json = false
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let user = self.user
            let (record, sessions) = try CommandStores.run(try options.load().settings) { stores in
                let record = try await user.find(in: stores)
                return (record, try await stores.sessions?.sessions(of: record.id, now: Moment.now))
            }
            if json {
                guard case .object(let members) = record.json else { return }
                let list = sessions.map { JSONText.array($0.map(\.json)) } ?? .null
                return Console.say(JSONText.object(members + [("sessions", list)]).text)
            }
            var table = Table(["ID", "NAME", "ROLE", "STATE", "PASSWORD"])
            table.add([
                record.id.text, record.username, record.role, record.isDisabled ? "disabled" : "active", record.hashKind,
            ])
            Console.say(table.text)
            if let sessions, !sessions.isEmpty { Console.say("\n" + SessionCommand.table(sessions)) }
        }
    }
}

/// The user that a command is about.
struct UserArgument: ParsableArguments {
    @Argument(help: "The user name; with --by-id, the id.")
    var name: String
    @Flag(help: "Take the argument for an id.")
    var byID = false

    func find(in stores: CommandStores) async throws -> UserRecord {
        guard byID else { return try await stores.user(name) }
        if let found = try await stores.users.find(id: try UserID(name)) { return found }
        throw CommandFailure("gatehouse: there is no user with the id \(JSONText.quoted(name))")
    }
}

extension UserRecord {
    fileprivate var json: JSONText {
        .object([
            ("id", .string(id.text)), ("username", .string(username)), ("role", .string(role)),
            ("disabled", .boolean(isDisabled)), ("password", .string(hashKind)),
        ])
    }

    /// The hash's algorithm and cost, never the hash.
    fileprivate var hashKind: String {
        let parts = passwordHash.split(separator: "$")
        switch parts.first {
        case "argon2id": return "argon2id \(parts.dropFirst(2).first ?? "")"
        case "2a", "2b", "2y": return "bcrypt \(parts.dropFirst().first ?? "")"
        default: return "unreadable"
        }
    }
}
