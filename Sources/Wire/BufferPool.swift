/// Pieces of memory that the buffers of one worker lend each other: a connection that waits holds none, and one that is served
/// gets a piece that is warm.
@safe package final class BufferPool {
    /// Octets: what a read from a socket asks for.
    package static let pieceSize = 16_384
    /// What it asks for where a lot comes.
    package static let largeSize = 262_144

    // More than a worker's connections use at a time are given back to the system. Unchecked: of one thread, and used by single calls
    // that call nobody back; the checks cost as much as these do.
    @exclusivity(unchecked) private var pieces = Pieces(size: pieceSize, kept: 256)
    @exclusivity(unchecked) private var large = Pieces(size: largeSize, kept: 16)

    package init() {}

    deinit {
        unsafe pieces.free()
        unsafe large.free()
    }

    /// Memory for `size` octets or more; nil: of no size that the pool has.
    func take(_ size: Int) -> UnsafeMutableRawBufferPointer? {
        if size <= BufferPool.pieceSize { return unsafe pieces.take() }
        return size == BufferPool.largeSize ? unsafe large.take() : nil
    }

    /// False: it is of no size that the pool has, and still the caller's.
    func give(_ piece: UnsafeMutableRawBufferPointer) -> Bool {
        if piece.count == BufferPool.pieceSize {
            unsafe pieces.give(piece)
        } else if piece.count == BufferPool.largeSize {
            unsafe large.give(piece)
        } else {
            return false
        }
        return true
    }
}

/// Free pieces of one size. They are a list whose links stand in the pieces themselves: four are taken and given back in each
/// exchange, and an array of them cost three times as much.
@safe private struct Pieces {
    let size: Int
    let kept: Int
    private var first: UnsafeMutableRawPointer?
    private var count = 0

    init(size: Int, kept: Int) {
        self.size = size
        self.kept = kept
    }

    mutating func take() -> UnsafeMutableRawBufferPointer {
        guard let piece = unsafe first else { return .allocate(byteCount: size, alignment: 16) }
        unsafe first = piece.load(as: UnsafeMutableRawPointer?.self)
        count &-= 1
        return unsafe UnsafeMutableRawBufferPointer(start: piece, count: size)
    }

    mutating func give(_ piece: UnsafeMutableRawBufferPointer) {
        guard count < kept, let base = piece.baseAddress else { return unsafe piece.deallocate() }
        unsafe base.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
        unsafe first = base
        count &+= 1
    }

    mutating func free() {
        while let piece = unsafe first {
            unsafe first = piece.load(as: UnsafeMutableRawPointer?.self)
            unsafe piece.deallocate()
        }
    }
}
