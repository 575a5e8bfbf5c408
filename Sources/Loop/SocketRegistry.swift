/// Which socket a poller event belongs to. A token is a slot and the slot's generation, so that an event for a
/// descriptor that has been closed and used again meets nobody.
@safe
final class SocketRegistry {
    @safe private struct Slot {
        var generation: UInt32 = 0
        var socket: Unmanaged<Socket>?
    }

    // Unchecked: one loop's thread only, and nothing that is called while it changes comes back here.
    @exclusivity(unchecked) private var slots: [Slot] = []
    private var free: [UInt32] = []

    func insert(_ socket: Socket) -> UInt64 {
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = UInt32(unsafe slots.count)
            unsafe slots.append(Slot())
        }
        unsafe slots[Int(index)].socket = Unmanaged.passUnretained(socket)
        return UInt64(unsafe slots[Int(index)].generation) << 32 | UInt64(index)
    }

    func remove(_ token: UInt64) {
        let index = Int(token & 0xffff_ffff)
        unsafe slots[index].socket = nil
        unsafe slots[index].generation &+= 1
        free.append(UInt32(index))
    }

    @inline(__always)
    func deliver(_ event: Poller.Event) {
        let index = Int(event.token & 0xffff_ffff)
        guard unsafe index < slots.count, unsafe slots[index].generation == UInt32(event.token >> 32) else { return }
        // A wake only makes a task or a sleeper ready, so nobody can free the socket before this returns.
        unsafe slots[index].socket?._withUnsafeGuaranteedRef { $0.deliver(event) }
    }
}
