import Glibc
import Loop
import Synchronization

/// An address that leads the first who connects to one server and all others to another, as a name or a balancer may while one of the
/// two takes the other's place.
final class Balancer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let isFirstMuted: Switch
    private let areOthersMuted: Switch

    final class Switch: Sendable {
        private let state = Atomic(false)
        var isOn: Bool { state.load(ordering: .acquiring) }
        func turnOn() { state.store(true, ordering: .releasing) }
    }

    init(first: UInt16, then others: UInt16) throws {
        let (listener, port) = try TCP.listen()
        (self.listener, self.port) = (listener, port)
        let (muted, othersMuted) = (Switch(), Switch())
        (isFirstMuted, areOthersMuted) = (muted, othersMuted)
        _ = try Thread.start(name: "balancer") {
            var (target, mute) = (first, muted)
            while case let client = accept(listener, nil, nil), client >= 0 {
                Self.join(client, target, mute)
                (target, mute) = (others, othersMuted)
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// What the first connection, or the others, say from now on is lost, and that the server has closed them is not told either.
    func mute(first: Bool) { (first ? isFirstMuted : areOthersMuted).turnOn() }

    private static func join(_ client: Int32, _ port: UInt16, _ mute: Switch) {
        guard let server = TCP.connect(port) else {
            close(client)
            return
        }
        // One thread each way; the one that reads from the client outlives the other, which it ends, and closes both.
        _ = try? Thread.start(name: "balancer-out") {
            let back = try? Thread.start(name: "balancer-back") {
                move(server, client, mute)
                if !mute.isOn { end(client, server) }
            }
            move(client, server, mute)
            end(client, server)
            back?.join()
            close(client)
            close(server)
        }
    }

    /// Until either side has gone.
    private static func move(_ source: Int32, _ target: Int32, _ mute: Switch) {
        while case let octets = TCP.receive(source), !octets.isEmpty, mute.isOn || TCP.send(target, octets) {}
    }

    private static func end(_ one: Int32, _ other: Int32) {
        shutdown(one, Int32(SHUT_RDWR))
        shutdown(other, Int32(SHUT_RDWR))
    }
}
