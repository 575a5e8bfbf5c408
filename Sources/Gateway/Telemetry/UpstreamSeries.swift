import Synchronization

/// What is known of one upstream, by its name, over all changes of the settings.
final class UpstreamSeries: Sendable {
    let name: [UInt8]
    /// By the worker's index.
    let workers: [UpstreamCounts]
    private let known = Mutex<[ServerHealth]>([])

    init(name: [UInt8], workers: Int) {
        self.name = name
        self.workers = (0..<workers).map { _ in UpstreamCounts() }
    }

    /// The servers that the settings name now; those that they named before keep their state.
    func servers(_ addresses: [[UInt8]]) -> [ServerHealth] {
        known.withLock { known in
            known = addresses.map { address in known.first { $0.address == address } ?? ServerHealth(address: address) }
            return known
        }
    }

    var servers: [ServerHealth] { known.withLock { $0 } }

    func sum(_ value: (UpstreamCounts) -> UInt64) -> UInt64 { workers.reduce(0) { $0 &+ value($1) } }
}

/// What one worker has counted of one upstream.
final class UpstreamCounts: Sendable {
    /// The values of the label `kind`.
    enum Fault: Int, CaseIterable {
        /// All connections are in use.
        case full
        /// The name could not be looked up.
        case lookup
        case connect
        case connectTimeout
        /// Closed without an octet of a response.
        case closed
        /// Broke off in the middle of one.
        case brokeOff
        case timeout
        case malformed

        var label: String {
            switch self {
            case .connectTimeout: "connect_timeout"
            case .brokeOff: "broke_off"
            case .full, .lookup, .connect, .closed, .timeout, .malformed: String(describing: self)
            }
        }
    }

    /// Until the response's head was there.
    let latency = Latency()
    /// By `Fault`.
    let faults: [8 of Counter] = InlineArray { _ in Counter() }
    /// Connections in use, being made, or idle. Raised and lowered, modulo 2⁶⁴; so is `idle`.
    let open = Counter()
    let idle = Counter()

    func count(_ fault: Fault) { faults[fault.rawValue].add(1) }
}

/// Whether a server could be connected to when that was last tried, by whichever worker.
final class ServerHealth: Sendable {
    let address: [UInt8]
    private let failed = Atomic(false)

    init(address: [UInt8]) { self.address = address }

    var isFailing: Bool { failed.load(ordering: .relaxed) }

    func isFailing(_ isFailing: Bool) { failed.store(isFailing, ordering: .relaxed) }
}
