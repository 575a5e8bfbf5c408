import Access
import ArgumentParser
import Gateway
import Settings

struct SessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "List and end sessions.",
        discussion: "Works on sessions.store of the settings, also while the gateway runs.",
        subcommands: [List.self, Revoke.self, Purge.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the sessions that live, newest first.",
            discussion: "A handle names a session without being able to open it.")

        @Option(help: "Only this user's.")
        var user: String?
        @Option(help: "At most so many.")
        var limit = 1_000
        @Flag(help: "As JSON, for scripts.")
        var json = false
        @OptionGroup var options: ConfigOptions

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit takes a number from 1 on") }
        }

        func run() throws {
            let user = self.user
            let limit = self.limit
            let sessions = try CommandStores.run(try options.load().settings) { stores in
                try await stores.liveSessions(of: user, limit: limit)
            }
            if json { return Console.say(JSONText.array(sessions.map(\.json)).text) }
            Console.say(sessions.isEmpty ? "There are no sessions." : table(sessions))
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End sessions: those of the given handles, or all of one user.",
            discussion: "`gatehouse session list` shows the handles.")

        @Argument(help: "Handles of sessions.")
        var handles: [String] = []
        @Option(help: "End all sessions of this user.")
        var user: String?
        @OptionGroup var options: ConfigOptions

        func validate() throws {
            guard handles.isEmpty != (user == nil) else { throw ValidationError("Name either handles or --user.") }
        }

        func run() throws {
            let handles = self.handles
            let user = self.user
            let settings = try options.load().settings
            let audit = try CommandAudit(settings)
            let ended = try CommandStores.run(settings, endingSessions: true) { stores in
                let sessions = try stores.sessionStore()
                let named = try await stores.liveSessions(of: user, limit: .max).filter {
                    user != nil || handles.contains($0.key.handle)
                }
                if let missing = handles.first(where: { handle in !named.contains { $0.key.handle == handle } }) {
                    throw CommandFailure("gatehouse: there is no session \(JSONText.quoted(missing)); nothing was ended")
                }
                if let first = named.first, user != nil {
                    // At once, and those that began meanwhile as well.
                    let count = try await sessions.removeAll(of: first.userID, except: nil)
                    var event = AuditEvent(.sessionRevoked, .ok, .byOperator, of: first)
                    event.session = nil
                    event.ended = count
                    try audit.record(event)
                    return count
                }
                var count = 0
                for session in named where try await sessions.remove(session.key) {
                    try audit.record(AuditEvent(.sessionRevoked, .ok, .byOperator, of: session))
                    count += 1
                }
                return count
            }
            Console.say("ended \(ended) session\(ended == 1 ? "" : "s")")
        }
    }

    struct Purge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete sessions that have ended from the store.",
            discussion: "The gateway does so by itself every sessions.purge_interval; in Redis they expire by themselves.")

        @OptionGroup var options: ConfigOptions

        func run() throws {
            let count = try CommandStores.run(try options.load().settings) { stores in
                try await stores.sessionStore().purge(now: Moment.now)
            }
            Console.say("deleted \(count) ended session\(count == 1 ? "" : "s")")
        }
    }

    static func table(_ sessions: [SessionRecord]) -> String {
        var table = Table(["SESSION", "USER ID", "NAME", "ROLE", "BEGAN", "LAST SEEN", "ENDS"])
        for session in sessions {
            table.add([
                session.key.handle, session.userID.text, String(decoding: session.username, as: UTF8.self),
                String(decoding: session.role, as: UTF8.self), Moment.text(session.createdAt),
                Moment.text(session.lastSeenAt), Moment.text(session.endsAt),
            ])
        }
        return table.text
    }
}

extension SessionRecord {
    var json: JSONText {
        .object([
            ("session", .string(key.handle)), ("user_id", .string(userID.text)),
            ("username", .string(String(decoding: username, as: UTF8.self))),
            ("role", .string(String(decoding: role, as: UTF8.self))), ("created_at", .string(Moment.text(createdAt))),
            ("last_seen_at", .string(Moment.text(lastSeenAt))), ("ends_at", .string(Moment.text(endsAt))),
        ])
    }
}
