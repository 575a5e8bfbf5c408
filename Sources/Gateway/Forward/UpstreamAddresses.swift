import Loop

/// The addresses of one server of an upstream, as one worker knows them.
///
/// One look-up is under way at a time, however many connections need it, and none of them waits longer for it than it may: a name
/// server that does not answer keeps a thread of the system's resolver for ten seconds (resolv.conf(5)), and must keep nothing else.
final class UpstreamAddresses {
    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private let lookups: BlockingPool

    private var known: [SocketAddress] = []
    private var knownAt: UInt64 = 0
    /// Whether one of them did not take a connection since they were looked up.
    private var isDoubted = false
    private var isLookingUp = false
    private var fault: ResolveError?
    private var waiters: [Waiter] = []

    /// A name is looked up again after so many milliseconds.
    private static let lifetime: Int64 = 30_000
    /// Milliseconds to wait for new addresses where old ones are at hand, but have failed.
    private static let patience: Int64 = 1_000

    init(host: String, port: UInt16, loop: EventLoop, lookups: BlockingPool) {
        self.host = host
        self.port = port
        self.loop = loop
        self.lookups = lookups
    }

    /// The name stands for `addresses`, never none, from now on.
    func know(_ addresses: [SocketAddress]) {
        known = addresses
        knownAt = loop.now
        isDoubted = false
    }

    /// The next caller is to get new ones, if there are any.
    func doubt() { isDoubted = true }

    /// Never none. Merely old ones are given at once while new ones are asked for.
    /// - Parameters:
    ///   - waiter: the calling task's.
    ///   - deadline: monotonic nanoseconds.
    /// - Returns: nil when the deadline passed.
    /// - Throws: when the name has no address and had none.
    func addresses(_ waiter: Waiter, until deadline: UInt64) async throws(ResolveError) -> [SocketAddress]? {
        if known.isEmpty || isDoubted || loop.now >= knownAt.adding(milliseconds: Self.lifetime) { lookUp() }
        let isUsable = !known.isEmpty && !isDoubted
        let patience = known.isEmpty ? deadline : min(deadline, loop.now.adding(milliseconds: Self.patience))
        while isLookingUp && !isUsable {
            waiters.append(waiter)
            let isInTime = await waiter.wait(until: patience)
            waiters.removeAll { $0 === waiter }
            guard isInTime else { break }
        }
        if !known.isEmpty { return known }
        if let fault, !isLookingUp { throw fault }
        return nil
    }

    private func lookUp() {
        guard !isLookingUp else { return }
        isLookingUp = true
        // Safe: the task runs on the loop of the worker that this object belongs to, so on the same thread.
        nonisolated(unsafe) let addresses = self
        Task(executorPreference: loop) { await unsafe addresses.run() }
    }

    private func run() async {
        do throws(ResolveError) {
            know(try await Resolver.resolve(host: host, port: port, on: lookups))
            fault = nil
        } catch {
            // Old addresses beat none while the resolver is away.
            fault = error
        }
        isLookingUp = false
        for waiter in waiters { waiter.wake() }
    }
}
