/// Pieces of memory that the buffers of one worker lend each other: a connection that waits holds none, and one that is served
/// gets a piece that is warm.
///
/// The free pieces are a list whose links stand in the pieces themselves: four pieces are taken and given back in each exchange, and
/// an array of them cost three times as much.
@safe package final class BufferPool {
    /// Octets: what a read from a socket asks for.
    package static let pieceSize = 16_384
    /// Pieces kept for the next ones; more than a worker's connections use at a time are given back to the system.
    private static let kept = 256

    private var first: UnsafeMutableRawPointer?
    private var count = 0

    package init() {}

    deinit {
        while let piece = unsafe first {
            unsafe first = piece.load(as: UnsafeMutableRawPointer?.self)
            unsafe piece.deallocate()
        }
    }

    func take() -> UnsafeMutableRawBufferPointer {
        guard let piece = unsafe first else { return .allocate(byteCount: BufferPool.pieceSize, alignment: 16) }
        unsafe first = piece.load(as: UnsafeMutableRawPointer?.self)
        count &-= 1
        return unsafe UnsafeMutableRawBufferPointer(start: piece, count: BufferPool.pieceSize)
    }

    func give(_ piece: UnsafeMutableRawBufferPointer) {
        guard count < BufferPool.kept, let base = piece.baseAddress else { return unsafe piece.deallocate() }
        unsafe base.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
        unsafe first = base
        count &+= 1
    }
}
