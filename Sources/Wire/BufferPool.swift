/// Pieces of memory that the buffers of one worker lend each other: a connection that waits holds none, and one that is served
/// gets a piece that is warm.
@safe package final class BufferPool {
    /// Octets: what a read from a socket asks for.
    package static let pieceSize = 16_384
    /// Pieces kept for the next ones; more than a worker's connections use at a time are given back to the system.
    private static let kept = 256

    private var pieces = unsafe [UnsafeMutableRawBufferPointer]()

    package init() {}

    deinit { while let piece = unsafe pieces.popLast() { unsafe piece.deallocate() } }

    func take() -> UnsafeMutableRawBufferPointer {
        unsafe pieces.popLast() ?? .allocate(byteCount: BufferPool.pieceSize, alignment: 16)
    }

    func give(_ piece: UnsafeMutableRawBufferPointer) {
        if unsafe pieces.count < BufferPool.kept { unsafe pieces.append(piece) } else { unsafe piece.deallocate() }
    }
}
