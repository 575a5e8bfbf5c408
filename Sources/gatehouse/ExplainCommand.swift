import Access
import ArgumentParser
import Secrets
import Settings
import Wire

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Show which route a request takes, what that needs, and what the upstream is told.",
        discussion: """
            gatehouse explain GET /profile
            gatehouse explain GET https://admin.example.com/users?page=2 --as alice

            The settings alone decide, so the gateway need not run; --as looks the user and the roles up in the users table. A URL
            without a host goes to that of public_url.
            """)

    @Argument(help: "The method, such as GET.")
    var method: String
    @Argument(help: "The URL, or a path.")
    var url: String
    @Option(name: .customLong("as"), help: ArgumentHelp("As this user, signed in.", valueName: "user"))
    var user: String?
    @OptionGroup var options: ConfigOptions

    /// For a session that nobody has begun: no session id is empty, so none has this key.
    private static let anyKey = SessionKey(SHA256Digest(of: []))

    func run() throws {
        let settings = try options.load().settings
        let request = try ExplainedRequest(method: method, url: url, settings: settings)
        Console.say(request.text)
        guard request.head != nil else { return }
        if let page = request.ownPage(settings) { return Console.say(page) }
        let routes = try settings.routeTable()
        Console.say("\n" + Self.table(routes, request).text + "\n")
        guard let index = routes.match(host: request.host, path: request.path) else {
            return Console.say("No route matches: 404.")
        }
        let route = routes.routes[index]
        let servers = settings.upstream(named: route.upstream)?.servers.map(\.url) ?? []
        Console.say("Route \(index) goes to \(route.upstream) (\(servers.joined(separator: ", "))).")
        Console.say(Self.needs(route))
        if let user { Console.say(try verdict(on: route, for: user, settings)) }
    }

    private static func table(_ routes: RouteTable, _ request: ExplainedRequest) -> Table {
        var table = Table(["ROUTE", "HOST", "PATH", "VERDICT"])
        for (route, verdict) in zip(routes.routes, routes.explain(host: request.host, path: request.path)) {
            table.add([
                String(route.index), route.host.map { String(decoding: $0, as: UTF8.self) } ?? "any",
                String(decoding: route.path, as: UTF8.self), verdict.description,
            ])
        }
        return table
    }

    private static func needs(_ route: Route) -> String {
        guard route.access == .signedIn else {
            return "It is public: everybody passes, and the upstream is told nothing about who asks."
        }
        let kinds = [(CredentialKinds.session, "a session"), (.token, "a token")].filter { route.accepts.contains($0.0) }
        var text = "It needs \(kinds.map(\.1).joined(separator: " or "))"
        for (list, what) in [(route.policy.roles, "the role"), (route.policy.users, "the user")] where !list.isEmpty {
            text += ", and \(what) \(list.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " or "))"
        }
        return text + ". Without: 401, or the sign-in page for a browser."
    }

    /// The same decision as the gateway's, about the user as the users table has it now.
    private func verdict(on route: Route, for name: String, _ settings: Settings) throws -> String {
        guard route.access == .signedIn else { return "\(name) passes like everybody else, unnamed." }
        let record = try CommandStores.run(settings) { stores in try await stores.user(name) }
        let name = record.username
        let known = "\(name) is user \(record.id) of \(settings.users.place), with \(Self.words(forRolesOf: record))."
        if record.isDisabled { return "\(known)\n\(name) is disabled and cannot sign in: 401." }
        let identity: Identity
        do {
            identity = try Identity(
                userID: record.id, username: Array(record.username.utf8), role: Array(record.role.utf8),
                method: route.accepts.contains(.session) ? .session(Self.anyKey) : .token(jti: []), expiresAt: .max)
        } catch {
            return "\(known)\n\(name) cannot be named to an upstream: \(error)"
        }
        let lines = [known] + Self.requirements(of: route, for: identity)
        switch Decision.decide(route: route, identity: identity) {
        case .forward:
            return (lines + ["\(name) passes. The upstream is told:"] + Self.headers(identity, settings)).joined(separator: "\n")
        case .signIn(let reason): return (lines + ["\(name) has to sign in: \(reason)."]).joined(separator: "\n")
        case .refuse(let refusal): return (lines + ["\(name) does not pass: 403, \(refusal)."]).joined(separator: "\n")
        }
    }

    private static func words(forRolesOf user: UserRecord) -> String {
        let roles = user.role.split(separator: ",")
        if roles.isEmpty { return "no role" }
        return "the \(roles.count == 1 ? "role" : "roles") \(roles.joined(separator: ", "))"
    }

    /// What the route requires, and which of it this user has.
    private static func requirements(of route: Route, for identity: Identity) -> [String] {
        let lists = [
            ("role", route.policy.roles, route.policy.roles.filter { RoleList.contains($0, in: identity.role) }),
            ("user", route.policy.users, route.policy.users.filter { $0 == identity.username }),
        ]
        return lists.filter { !$0.1.isEmpty }.map { what, required, met in
            let all = required.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " or ")
            let found = met.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " and ")
            return "The route requires the \(what) \(all): \(met.isEmpty ? "not met" : "met by \(found)")."
        }
    }

    private static func headers(_ identity: Identity, _ settings: Settings) -> [String] {
        settings.identity.headers.map { header in
            let value =
                switch header.value {
                case .id: identity.userID.bytes
                case .username: identity.username
                case .role: identity.role
                }
            return "  \(header.name): \(String(decoding: value, as: UTF8.self))"
        }
    }
}
