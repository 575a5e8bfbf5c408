import Access
import ArgumentParser
import Gateway
import Secrets
import Settings

extension UserCommand {
    struct Passwd: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a user's password; it is asked for.",
            discussion: "Ends the user's sessions, as whoever knew the old password may hold one.")

        @OptionGroup var user: UserArgument
        @Flag(help: "Take the password from standard input.")
        var passwordStdin = false
        @Flag(help: "Leave the user's sessions as they are.")
        var keepSessions = false
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let settings = try options.load().settings
            try settings.requireOwnUsers()
            let policy = try settings.passwordPolicy()
            let audit = try CommandAudit(settings)
            let user = self.user
            let found = try CommandStores.run(settings) { stores in try await user.find(in: stores) }
            let password = try PasswordPrompt.newPassword(for: found.username, fromStandardInput: passwordStdin)
            let hash = try policy.hash(password)
            let keepSessions = self.keepSessions
            let ended = try CommandStores.run(settings, endingSessions: !keepSessions) { stores in
                try stores.confirm(
                    try await stores.users.setPasswordHash(found.id, to: hash, replacing: nil, now: Moment.now), found)
                try audit.record(.passwordChanged, of: found)
                return keepSessions ? nil : try await stores.endSessions(of: found, audit)
            }
            Console.say("set the password of \(found.username)" + (ended ?? ""))
        }
    }

    struct Disable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a user from signing in, and end the user's sessions.",
            discussion: "Tokens that were issued before stay good until they end by themselves (tokens.lifetime).")

        @OptionGroup var user: UserArgument
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let settings = try options.load().settings
            try settings.requireOwnUsers()
            let audit = try CommandAudit(settings)
            let user = self.user
            let (found, ended) = try CommandStores.run(settings, endingSessions: true) { stores in
                let found = try await user.find(in: stores)
                try stores.confirm(try await stores.ownUsers().setDisabled(found.id, true, now: Moment.now), found)
                try audit.record(.userDisabled, of: found)
                // After the user: the other way round, somebody could sign in between the two.
                return (found, try await stores.endSessions(of: found, audit))
            }
            Console.say("disabled \(found.username)\(ended)")
        }
    }

    struct Enable: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled user sign in again.")

        @OptionGroup var user: UserArgument
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let settings = try options.load().settings
            try settings.requireOwnUsers()
            let audit = try CommandAudit(settings)
            let user = self.user
            let found = try CommandStores.run(settings) { stores in
                let found = try await user.find(in: stores)
                try stores.confirm(try await stores.ownUsers().setDisabled(found.id, false, now: Moment.now), found)
                try audit.record(.userEnabled, of: found)
                return found
            }
            Console.say("enabled \(found.username)")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a user for good, and end the user's sessions.",
            discussion: "The id is never given to anybody else. To lock somebody out for a while: gatehouse user disable.")

        @OptionGroup var user: UserArgument
        @OptionGroup var options: ConfigOptions

        func run() throws {
            let settings = try options.load().settings
            try settings.requireOwnUsers()
            let audit = try CommandAudit(settings)
            let user = self.user
            let (found, ended) = try CommandStores.run(settings, endingSessions: true) { stores in
                let found = try await user.find(in: stores)
                try stores.confirm(try await stores.ownUsers().remove(found.id), found)
                try audit.record(.userRemoved, of: found)
                return (found, try await stores.endSessions(of: found, audit))
            }
            Console.say("removed \(found.username), id \(found.id)\(ended)")
        }
    }
}
