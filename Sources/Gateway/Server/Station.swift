import Loop

/// A listener of one worker, with the connections that came by it.
final class Station {
    /// As it was asked for; the listener has the address in force.
    let requested: SocketAddress
    let listener: Listener
    /// Of its service among all.
    var place: Int
    /// What is served here: read anew for each exchange, and swapped whole.
    var duty: Duty
    let drain = Drain()
    private(set) var connections: [ObjectIdentifier: ClientConnection] = [:]
    var isListening = true
    /// Who waits for the station to be empty.
    var watcher: Waiter?

    init(requested: SocketAddress, listener: Listener, place: Int, duty: Duty) {
        self.requested = requested
        self.listener = listener
        self.place = place
        self.duty = duty
    }

    var isEmpty: Bool { !isListening && connections.isEmpty }

    func enter(_ connection: ClientConnection) { connections[ObjectIdentifier(connection)] = connection }

    func leave(_ connection: ClientConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if isEmpty { watcher?.wake() }
    }

    func stopListening() {
        isListening = false
        if isEmpty { watcher?.wake() }
    }
}

/// How a listener ends: every answer is the connection's last, and who asks nothing is waited for a while.
final class Drain {
    private(set) var isUnderWay = false
    /// Monotonic nanoseconds until which a connection without a request is kept.
    private(set) var idleUntil = UInt64.max

    func begin(idleUntil: UInt64) {
        isUnderWay = true
        self.idleUntil = min(self.idleUntil, idleUntil)
    }
}
