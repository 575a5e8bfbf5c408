import ArgumentParser
import Glibc
import Logging
import Loop
import Settings

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            Runs until SIGTERM or SIGINT; then it stops accepting, finishes what is in flight within timeouts.drain, and ends with
            exit status 0. Events go to standard error, one line for each request to standard output.
            """)

    @OptionGroup var options: ConfigOptions

    func run() throws {
        // Before anything starts a thread: all of them inherit that these are taken by waiting.
        var signals = Signals([SIGTERM, SIGINT])
        let loaded = try options.load()
        for warning in loaded.warnings { Console.complain(warning.description) }
        let settings = loaded.settings
        let log = EventLog.start(settings.log)
        OpenFiles.raiseLimit()
        if OpenFiles.forClients < settings.limits.connections {
            log.notice(
                "open files are limited (ulimit -Hn): \(OpenFiles.forClients) connections at a time, not the \(settings.limits.connections) of limits.connections"
            )
        }

        let gateway = try CommandLoop.run { _, _ in try await RunningGateway(settings, log: log) }
        for address in gateway.addresses { log.notice("listening at \(address.text) for \(settings.publicURL.origin)") }
        if let address = gateway.adminAddress { log.notice("health and metrics at \(address.text)") }
        _ = signals.wait()
        log.notice("stopping: what is in flight has \(settings.timeouts.drain)")
        let cut = try CommandLoop.run { _, _ in await gateway.stop() }
        log.notice("stopped\(cut == 0 ? "" : "; \(cut) connections were cut off")")
    }
}

/// Events, on standard error.
enum EventLog {
    static func start(_ settings: Settings::Log) -> Logger {
        var log = Logger(label: "gatehouse") { StreamLogHandler.standardError(label: $0) }
        log.logLevel =
            switch settings.level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            case .critical: .critical
            }
        return log
    }
}

/// Each connection is an open file, and shells commonly allow 1024 where the system would allow many more.
enum OpenFiles {
    /// Raises the soft limit to the hard one (getrlimit(2)); where that fails, the limit that there is remains.
    static func raiseLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension Count {
    /// `auto` is one for each core (sysconf(3)).
    var number: Int {
        switch self {
        case .exactly(let number): number
        case .auto: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        }
    }
}
