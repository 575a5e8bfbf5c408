import ArgumentParser
import FoundationEssentials
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

            SIGHUP makes it read its settings again, secret files included. They hold from the next request on, listener addresses
            too, and no connection is lost; when anything is wrong with them, every problem is logged and the old ones go on. Only
            `workers` needs a restart.

            A restart loses no request either: start the new process, which may have the same addresses as the old one, and then end
            the old one with SIGTERM.
            """)

    @Flag(help: "Read the settings again as soon as the file changes, or a secret file that it names.")
    var watch = false
    @OptionGroup var options: ConfigOptions

    func run() throws {
        // Before anything starts a thread: all of them inherit that these are taken by waiting.
        var signals = Signals([SIGTERM, SIGINT, SIGHUP])
        let environment = ProcessInfo.processInfo.environment
        let manager = ServiceManager(environment: environment)
        let inherited = InheritedSockets(environment: environment)
        let began = Clock.wall()
        let path = try options.path()
        let loaded = try options.load()
        for warning in loaded.warnings { Console.complain(warning.description) }
        OpenFiles.raiseLimit()

        let gateway = try CommandLoop.run { _, _ in try await RunningGateway(loaded.settings, inherited: inherited) }
        let wanted = loaded.settings.limits.connections
        if OpenFiles.forClients < wanted {
            gateway.log.notice(
                "open files are limited (ulimit -Hn): \(OpenFiles.forClients) connections at a time, not the \(wanted) of limits.connections")
        }
        for address in inherited.addresses where !loaded.settings.listens(at: address) {
            gateway.log.warning("the service manager handed over \(address.text), which neither listen nor admin names")
        }
        var reloading = Reloading(gateway, path: path, environment: environment, manager: manager)
        reloading.watch(loaded.files, since: began)
        manager.ready()
        wait: while true {
            switch watch ? signals.wait(milliseconds: Reloading.interval) : signals.wait() {
            // A SIGHUP that comes while this is at work waits, and several are one.
            case SIGHUP: reloading.reload()
            case nil: if reloading.hasNews() { reloading.reload() }
            default: break wait
            }
        }
        manager.stopping()
        gateway.log.notice("stopping: what is in flight has \(gateway.settings.timeouts.drain)")
        let cut = try CommandLoop.run { _, _ in await gateway.stop() }
        gateway.log.notice("stopped\(cut == 0 ? "" : "; \(cut) connections were cut off")")
    }
}

extension Settings {
    fileprivate func listens(at address: SocketAddress) -> Bool {
        var texts = listen.map(\.address.description)
        if case .at(let admin) = admin.address { texts.append(admin.description) }
        return texts.contains(address.text)
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
