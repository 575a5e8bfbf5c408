package import Loop
import Secrets

/// One address to listen at, and what to do with who comes.
package struct Service: Sendable {
    package let address: SocketAddress
    package let limits: ServerLimits
    package let timeouts: ServerTimeouts
    /// Clients over all listeners that share these limits.
    package let connections: ConnectionCount
    /// Makes the worker's own handler; called once on each worker.
    package let makeHandler: @Sendable (WorkerContext) throws -> any Handler

    package init(
        address: SocketAddress, limits: ServerLimits = ServerLimits(), timeouts: ServerTimeouts = ServerTimeouts(),
        connections: ConnectionCount = ConnectionCount(),
        makeHandler: @escaping @Sendable (WorkerContext) throws -> any Handler
    ) {
        self.address = address
        self.limits = limits
        self.timeouts = timeouts
        self.connections = connections
        self.makeHandler = makeHandler
    }

    func at(_ address: SocketAddress) -> Service {
        Service(address: address, limits: limits, timeouts: timeouts, connections: connections, makeHandler: makeHandler)
    }
}

/// A thread, an event loop, an actor whose executor is that loop, and everything that its connections touch.
package actor Worker {
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let context: WorkerContext
    private var listeners: [Listener] = []
    /// One for each listener.
    private var handlers: [any Handler] = []
    private var connections: [UInt64: ClientConnection] = [:]
    private var lastConnection: UInt64 = 0
    private let drained: Waiter

    init(loop: EventLoop, index: Int, seed: UInt64) {
        self.loop = loop
        context = WorkerContext(loop: loop, index: index, seed: seed)
        drained = Waiter(loop: loop)
    }

    /// Opens a listener and serves who comes. Port 0 asks the kernel for one.
    /// - Returns: the address in force.
    func listen(_ service: Service) throws -> SocketAddress {
        let handler = try service.makeHandler(context)
        let listener = try Listener(address: service.address, loop: loop)
        listeners.append(listener)
        let index = listeners.count - 1
        handlers.append(handler)
        if handlers.count == 1 { Task(executorPreference: loop) { await self.tick() } }
        Task(executorPreference: loop) { await self.accept(listenerAt: index, for: service) }
        return listener.address
    }

    private func tick() async {
        let waiter = Waiter(loop: loop)
        while true {
            _ = await waiter.wait(until: loop.now.adding(milliseconds: WorkerContext.tickInterval))
            for handler in handlers { handler.tick() }
        }
    }

    private func accept(listenerAt index: Int, for service: Service) async {
        let listener = listeners[index]
        while let accepted = await listener.accept() {
            switch service.connections.admit(accepted.peer.ip, service.limits) {
            case .admitted:
                Task(executorPreference: loop) { await self.serve(accepted, handlerAt: index, for: service) }
            case .tooMany: RefusedConnection.turnAway(accepted.descriptor, status: 503)
            case .tooManyFromAddress: RefusedConnection.turnAway(accepted.descriptor, status: 429)
            }
        }
    }

    private func serve(_ accepted: Listener.Accepted, handlerAt index: Int, for service: Service) async {
        defer { service.connections.leave(accepted.peer.ip) }
        guard let socket = try? Socket(adopting: accepted.descriptor, loop: loop) else { return }
        let exchange = Exchange(
            client: Transport(socket: socket, pool: context.buffers), waiter: Waiter(loop: loop), context: context, peer: accepted.peer,
            limits: service.limits, timeouts: service.timeouts)
        let connection = ClientConnection(exchange: exchange, handler: handlers[index])
        lastConnection &+= 1
        let key = lastConnection
        connections[key] = connection
        await connection.run()
        connections[key] = nil
        if connections.isEmpty { drained.wake() }
    }

    /// Stops accepting, lets what is in flight finish for at most `milliseconds`, then cuts the rest off.
    /// - Returns: how many connections had to be cut off.
    func drain(milliseconds: Int64) async -> Int {
        context.isDraining = true
        for listener in listeners { listener.close() }
        for connection in connections.values { connection.drain() }
        let deadline = Clock.monotonic().adding(milliseconds: milliseconds)
        while !connections.isEmpty {
            guard await drained.wait(until: deadline) else { break }
        }
        let cut = connections.count
        for connection in connections.values { connection.abort() }
        while !connections.isEmpty {
            guard await drained.wait(until: Clock.monotonic().adding(milliseconds: 1_000)) else { break }
        }
        // What the last exchanges left behind for the log.
        for handler in handlers { handler.tick() }
        return cut
    }
}
