package import Loop

/// What is served at some addresses, and within which bounds.
package struct Service: Sendable {
    package let addresses: [SocketAddress]
    /// The first worker alone listens: for what is asked seldom.
    package let isOnFirstWorkerOnly: Bool
    package let limits: ServerLimits
    package let timeouts: ServerTimeouts
    /// Clients over all listeners that share these limits.
    package let connections: ConnectionCount
    /// Makes the worker's own handler; called once on each worker. The second argument is the handler that has served so far
    /// on this worker: the new one may go on with what that one holds.
    package let makeHandler: @Sendable (WorkerContext, (any Handler)?) throws -> any Handler

    package init(
        addresses: [SocketAddress], isOnFirstWorkerOnly: Bool = false, limits: ServerLimits = ServerLimits(),
        timeouts: ServerTimeouts = ServerTimeouts(), connections: ConnectionCount = ConnectionCount(),
        makeHandler: @escaping @Sendable (WorkerContext, (any Handler)?) throws -> any Handler
    ) {
        self.addresses = addresses
        self.isOnFirstWorkerOnly = isOnFirstWorkerOnly
        self.limits = limits
        self.timeouts = timeouts
        self.connections = connections
        self.makeHandler = makeHandler
    }

    /// One that is never replaced.
    package init(
        address: SocketAddress, isOnFirstWorkerOnly: Bool = false, limits: ServerLimits = ServerLimits(),
        timeouts: ServerTimeouts = ServerTimeouts(), connections: ConnectionCount = ConnectionCount(),
        makeHandler: @escaping @Sendable (WorkerContext) throws -> any Handler
    ) {
        self.init(
            addresses: [address], isOnFirstWorkerOnly: isOnFirstWorkerOnly, limits: limits, timeouts: timeouts, connections: connections
        ) { context, _ in try makeHandler(context) }
    }
}
