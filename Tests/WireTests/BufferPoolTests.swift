import Testing

@testable import Wire

@Suite("BufferPool")
struct BufferPoolTests {
    private func address(_ buffer: Buffer) -> UInt {
        buffer.append(0x2a)
        return unsafe buffer.withReadable { UInt(bitPattern: $0.baseAddress) }
    }

    @Test("What one buffer gives back, the next one gets, of both sizes", arguments: [1, BufferPool.pieceSize, BufferPool.largeSize])
    func lent(_ room: Int) {
        let pool = BufferPool()
        let (first, second) = (Buffer(pool: pool), Buffer(pool: pool))
        first.reserve(room)
        let capacity = first.capacity
        #expect(capacity == (room <= BufferPool.pieceSize ? BufferPool.pieceSize : BufferPool.largeSize))
        let lent = address(first)
        first.release()
        #expect(first.capacity == 0 && first.isEmpty)
        // Had the memory gone back to the system, this one would get it.
        let outsider = Buffer(capacity: capacity)
        second.reserve(room)
        #expect(second.capacity == capacity && outsider.capacity == capacity)
        #expect(address(second) == lent)
        // The pool has no other one meanwhile.
        #expect(address(first) != lent)
    }

    @Test("Memory of any other size is nobody else's")
    func others() {
        let pool = BufferPool()
        let buffer = Buffer(pool: pool)
        for room in [16_385, 131_073, 20_000] {
            buffer.reserve(room)
            #expect(buffer.capacity == room)
            buffer.release()
        }
        buffer.reserve(BufferPool.largeSize)
        #expect(buffer.capacity == BufferPool.largeSize)
        buffer.release()
        buffer.reserve(10)
        #expect(buffer.capacity == 16_384)
    }

    @Test("More pieces than the pool keeps are given back to the system, and the pool goes on")
    func many() {
        let pool = BufferPool()
        for _ in 0..<2 {
            let buffers = (0..<40).map { _ in Buffer(pool: pool) }
            for buffer in buffers { buffer.reserve(BufferPool.largeSize) }
            let addresses = Set(buffers.map(address))
            #expect(addresses.count == 40)
        }
    }
}
