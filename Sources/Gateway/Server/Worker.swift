package import Loop
import Secrets

/// A thread, an event loop, an actor whose executor is that loop, and everything that its connections touch.
package actor Worker {
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let context: WorkerContext
    private let inherited: InheritedSockets
    private let workers: Int
    /// By number.
    private var stations: [UInt64: Station] = [:]
    private var lastStation: UInt64 = 0
    /// By the service's place; nil: another worker's.
    private var current: [Duty?] = []
    /// The current ones, and those that exchanges still run under.
    private var duties: [Duty] = []
    private var lastDuty: UInt64 = 0
    private var next: Preparation?
    private var isTicking = false

    /// What `commit` puts in the place of what there is.
    private struct Preparation {
        var duties: [Duty?] = []
        /// By the service's place.
        var kept: [(place: Int, station: Station)] = []
        var new: [(place: Int, station: Station)] = []
    }

    /// Milliseconds for handshakes that are under way when a listener goes: longer than most clients are far away, and much
    /// shorter than the second after which those who began later try again.
    static let handshakeTime: Int64 = 300

    init(loop: EventLoop, index: Int, of workers: Int, seed: UInt64, inherited: InheritedSockets) {
        self.loop = loop
        self.workers = workers
        self.inherited = inherited
        context = WorkerContext(loop: loop, index: index, seed: seed)
        context.porters.begin = { [weak self] in
            Task(executorPreference: loop) { await self?.work() }
        }
    }

    // MARK: Services

    /// Makes everything that `services` need and does not have yet; nothing of it is in use before `commit`.
    /// - Parameter addresses: by service, where to listen: as in the service, but with the port that the kernel has chosen.
    /// - Returns: by service, the addresses in force and whether the listener is new.
    func prepare(_ services: [Service], at addresses: [[SocketAddress]]) throws -> [[(address: SocketAddress, isNew: Bool)]] {
        var next = Preparation()
        var result: [[(address: SocketAddress, isNew: Bool)]] = []
        do {
            for (place, service) in services.enumerated() {
                guard !service.isOnFirstWorkerOnly || context.index == 0 else {
                    next.duties.append(nil)
                    result.append(addresses[place].map { ($0, false) })
                    continue
                }
                let previous = place < current.count ? current[place] : nil
                lastDuty += 1
                let duty = Duty(service, handler: try service.makeHandler(context, previous?.handler), number: lastDuty)
                next.duties.append(duty)
                var inForce: [(address: SocketAddress, isNew: Bool)] = []
                for (requested, address) in zip(service.addresses, addresses[place]) {
                    let kept = stations.values.filter { $0.requested == requested && !$0.drain.isUnderWay }
                    next.kept += kept.map { (place, $0) }
                    var listener = kept.first?.listener
                    if kept.isEmpty {
                        for opened in try open(address) {
                            next.new.append((place, Station(requested: requested, listener: opened, place: place, duty: duty)))
                            listener = opened
                        }
                    }
                    inForce.append((listener?.address ?? address, kept.isEmpty))
                }
                result.append(inForce)
            }
        } catch {
            discard(next)
            throw error
        }
        self.next = next
        return result
    }

    private func open(_ address: SocketAddress) throws -> [Listener] {
        let descriptors = try inherited.take(address, worker: context.index, of: workers)
        if descriptors.isEmpty { return [try Listener(address: address, loop: loop)] }
        return try descriptors.map { try Listener(inherited: $0, address: address, loop: loop) }
    }

    /// Another worker could not prepare.
    func abandon() {
        if let next { discard(next) }
        next = nil
    }

    private func discard(_ preparation: Preparation) {
        for (_, station) in preparation.new { station.listener.close() }
        for duty in preparation.duties { duty?.handler.end() }
    }

    /// Of two processes that listen at `address`, this one gets the new clients: it has come last.
    func prefer(_ address: SocketAddress, sockets: Int, after others: Int) {
        for (_, station) in next?.new ?? [] where station.listener.address == address {
            _ = station.listener.prefer(sockets, after: others)
        }
    }

    /// What has been prepared holds, from the next exchange of every connection on.
    func commit() {
        guard let next else { return }
        self.next = nil
        for duty in current { duty?.isOver = true }
        current = next.duties
        duties += next.duties.compactMap { $0 }
        // Also where the address is gone: what connections of old still ask is decided by the new settings.
        for station in stations.values where station.place < current.count {
            if let duty = current[station.place] { station.duty = duty }
        }
        for (place, station) in next.kept {
            station.place = place
            if let duty = current[place] { station.duty = duty }
        }
        for station in stations.values {
            for connection in station.connections.values { connection.follow() }
        }
        let gone = stations.filter { _, station in
            !station.drain.isUnderWay && !next.kept.contains { $0.station === station }
        }
        for (_, station) in next.new {
            lastStation += 1
            let number = lastStation
            stations[number] = station
            Task(executorPreference: loop) { await self.accept(atStation: number) }
        }
        if !gone.isEmpty {
            let numbers = Array(gone.keys)
            let time = gone.values.map(\.duty.service.timeouts.drain).max() ?? 0
            Task(executorPreference: loop) { _ = await self.end(numbers, milliseconds: time) }
        }
        if !isTicking {
            isTicking = true
            Task(executorPreference: loop) { await self.tick() }
        }
    }

    private func tick() async {
        let waiter = Waiter(loop: loop)
        while true {
            _ = await waiter.wait(until: loop.now.adding(milliseconds: WorkerContext.tickInterval))
            for duty in duties { duty.handler.tick() }
            context.porters.trim()
            // Ended after its last tick: nothing that it had to say is lost.
            let ended = duties.filter { duty in
                duty.isOver && duty.exchanges == 0 && !stations.values.contains { $0.duty === duty }
            }
            for duty in ended { duty.handler.end() }
            duties.removeAll { duty in ended.contains { $0 === duty } }
        }
    }

    // MARK: Clients

    private func accept(atStation number: UInt64) async {
        guard let station = stations[number] else { return }
        while let accepted = await station.listener.accept() {
            let service = station.duty.service
            switch service.connections.admit(accepted.peer.ip, service.limits) {
            case .admitted: welcome(accepted, at: station, countedBy: service.connections)
            case .tooMany: RefusedConnection.turnAway(accepted.descriptor, status: 503)
            case .tooManyFromAddress: RefusedConnection.turnAway(accepted.descriptor, status: 429)
            }
        }
        station.stopListening()
    }

    private func welcome(_ accepted: Listener.Accepted, at station: Station, countedBy count: ConnectionCount) {
        guard let socket = try? Socket(adopting: accepted.descriptor, loop: loop) else { return count.leave(accepted.peer.ip) }
        let service = station.duty.service
        let exchange = Exchange(
            client: Transport(socket: socket, pool: context.buffers), waiter: Waiter(loop: loop), context: context, peer: accepted.peer,
            drain: station.drain, limits: service.limits, timeouts: service.timeouts)
        let connection = ClientConnection(exchange: exchange, station: station, countedBy: count)
        station.enter(connection)
        connection.begin()
    }

    private func work() async { await context.porters.newcomer().work() }

    // MARK: The end

    /// Stops accepting, lets what is in flight finish for at most `milliseconds`, then cuts the rest off.
    /// - Returns: how many connections had to be cut off.
    func drain(milliseconds: Int64) async -> Int {
        context.isDraining = true
        let cut = await end(Array(stations.keys), milliseconds: milliseconds)
        // What the last exchanges left behind for the log.
        for duty in duties { duty.handler.tick() }
        return cut
    }

    private func end(_ numbers: [UInt64], milliseconds: Int64) async -> Int {
        let ending = numbers.compactMap { stations[$0] }
        let now = Clock.monotonic()
        let watcher = Waiter(loop: loop)
        for station in ending {
            // At least half of the time is for exchanges.
            let idle = min(station.duty.service.timeouts.drainIdle, milliseconds / 2)
            station.watcher = watcher
            station.drain.begin(idleUntil: now.adding(milliseconds: idle))
            station.listener.leave(in: min(Worker.handshakeTime, milliseconds))
            for connection in station.connections.values { connection.drain() }
        }
        await wait(watcher, for: ending, until: now.adding(milliseconds: milliseconds))
        let cut = ending.reduce(0) { $0 + $1.connections.count }
        for station in ending {
            station.listener.close()
            for connection in station.connections.values { connection.abort() }
        }
        await wait(watcher, for: ending, until: Clock.monotonic().adding(milliseconds: 1_000))
        for number in numbers { stations[number] = nil }
        return cut
    }

    private func wait(_ watcher: Waiter, for ending: [Station], until deadline: UInt64) async {
        while !ending.allSatisfy(\.isEmpty) {
            guard await watcher.wait(until: deadline) else { return }
        }
    }
}
