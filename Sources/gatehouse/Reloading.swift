import Logging
import Loop
import Settings

/// Reads the settings again while the gateway runs.
struct Reloading {
    /// Milliseconds between two looks at watched files.
    static let interval = 1_000

    private let gateway: RunningGateway
    private let path: String
    private let environment: [String: String]
    private let manager: ServiceManager
    private var files = FileWatch()

    init(_ gateway: RunningGateway, path: String, environment: [String: String], manager: ServiceManager) {
        self.gateway = gateway
        self.path = path
        self.environment = environment
        self.manager = manager
    }

    /// `files` were read, beginning at `moment` in milliseconds since 1970.
    mutating func watch(_ files: [String], since moment: Int64) { self.files.watch(files, since: moment) }

    mutating func hasNews() -> Bool { files.hasNews() }

    /// Takes the settings as they are now, or says everything that is wrong with them.
    mutating func reload() {
        manager.reloading()
        defer { manager.ready() }
        let began = Clock.wall()
        do {
            let loaded = try Settings.load(path: path, environment: environment)
            files.watch(loaded.files, since: began)
            for warning in loaded.warnings { Console.complain(warning.description) }
            try CommandLoop.run { [gateway] _, _ in try await gateway.take(loaded.settings) }
            gateway.log.notice("new settings hold")
            manager.status("serving")
        } catch {
            if let error = error as? SettingsError { files.watch(error.files, since: began) }
            gateway.refuse()
            Console.complain((error as? CommandFailure)?.message ?? "\(error)")
            gateway.log.error("the new settings are refused; the old ones go on")
            manager.status("the new settings are refused; the old ones go on")
        }
    }
}
