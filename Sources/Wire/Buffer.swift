/// Octets in order: appended at the end, consumed from the front, in one contiguous allocation.
///
/// The room before the first readable octet is reused before the buffer grows. A buffer belongs to one worker.
@safe package final class Buffer {
    private var storage: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private let pool: BufferPool?
    /// The same, for the uses, each of which would retain it.
    private let lender: Unmanaged<BufferPool>?

    /// - Parameter pool: where the memory comes from and goes back to, as far as its pieces are large enough.
    package init(capacity: Int = 0, pool: BufferPool? = nil) {
        self.pool = pool
        unsafe lender = pool.map { unsafe Unmanaged.passUnretained($0) }
        unsafe storage =
            capacity == 0
            ? UnsafeMutableRawBufferPointer(start: nil, count: 0)
            : .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { giveBackStorage() }

    /// Octets that wait to be read.
    @inline(always) package var count: Int { end &- start }
    @inline(always) package var isEmpty: Bool { start == end }
    package var capacity: Int { unsafe storage.count }

    /// The readable octets.
    package var readable: RawSpan {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(RawSpan(_unsafeBytes: storage[start..<end]), borrowing: self) }
    }

    /// The readable octet at `offset`; traps outside of the readable octets.
    @inline(always)
    package subscript(offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count)
        return unsafe storage[start &+ offset]
    }

    /// Makes room for at least `room` more octets, by moving what is readable to the front or by growing.
    @inline(always)
    package func reserve(_ room: Int) {
        if unsafe storage.count &- end < room { makeRoom(room) }
    }

    @inline(never)
    private func makeRoom(_ room: Int) {
        let count = self.count
        if unsafe storage.count - count >= room {
            if count > 0 { unsafe storage.baseAddress!.copyMemory(from: storage.baseAddress! + start, byteCount: count) }
        } else {
            let grown = unsafe newStorage(max(count + room, storage.count * 2, 512))
            if count > 0 { unsafe grown.baseAddress!.copyMemory(from: storage.baseAddress! + start, byteCount: count) }
            giveBackStorage()
            unsafe storage = grown
        }
        start = 0
        end = count
    }

    /// Drops the first `count` readable octets.
    @inline(always)
    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        start &+= count
        if start == end { start = 0; end = 0 }
    }

    /// Drops the readable octets from `count` on.
    package func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        end = start &+ count
    }

    package func removeAll() { start = 0; end = 0 }

    /// Gives the memory back; the buffer is empty afterwards and may be used again.
    package func release() {
        giveBackStorage()
        unsafe storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        start = 0
        end = 0
    }

    private func newStorage(_ size: Int) -> UnsafeMutableRawBufferPointer {
        if let piece = unsafe lender?._withUnsafeGuaranteedRef({ unsafe $0.take(size) }) { return unsafe piece }
        return .allocate(byteCount: size, alignment: 16)
    }

    private func giveBackStorage() {
        let storage = unsafe storage
        if unsafe lender?._withUnsafeGuaranteedRef({ unsafe $0.give(storage) }) == true { return }
        unsafe storage.deallocate()
    }

    // MARK: Appending

    @inline(always)
    package func append(_ octet: UInt8) {
        reserve(1)
        unsafe storage[end] = octet
        end &+= 1
    }

    package func append(_ text: StaticString) {
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package func append(_ octets: [UInt8]) {
        unsafe octets.withUnsafeBytes { unsafe append($0) }
    }

    package func append(_ octets: RawSpan) {
        unsafe octets.withUnsafeBytes { unsafe append($0) }
    }

    /// The UTF-8 of `text`. For places off the request path. Named apart from the other `append`s, because a literal would
    /// otherwise be a String, and cost an array each time.
    package func append(text: String) {
        append(Array(text.utf8))
    }

    /// The readable octets of `other` in `range`.
    package func append(_ other: Buffer, _ range: ByteRange) {
        precondition(range.start >= 0 && range.end <= other.count)
        unsafe other.withReadable { unsafe append(UnsafeRawBufferPointer(rebasing: $0[range.start..<range.end])) }
    }

    @unsafe
    package func append(_ octets: UnsafeRawBufferPointer) {
        guard octets.count > 0 else { return }
        reserve(octets.count)
        unsafe (storage.baseAddress! + end).copyMemory(from: octets.baseAddress!, byteCount: octets.count)
        end &+= octets.count
    }

    /// `value` in decimal ASCII digits.
    package func append(decimal value: some FixedWidthInteger & UnsignedInteger) { append(value, radix: 10) }

    /// `value` in lower-case hexadecimal ASCII digits.
    package func append(hexadecimal value: some FixedWidthInteger & UnsignedInteger) { append(value, radix: 16) }

    private func append(_ value: some FixedWidthInteger & UnsignedInteger, radix: UInt64) {
        var rest = UInt64(value)
        var digits = 1
        var power = rest / radix
        while power > 0 { digits &+= 1; power /= radix }
        reserve(digits)
        var index = end &+ digits
        repeat {
            index &-= 1
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            unsafe storage[index] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
            rest /= radix
        } while index > end
        end &+= digits
    }

    // MARK: For HeadWriter

    /// Hands out the memory with room for at least `room` octets behind `end`. It is the borrower's until `takeBack`: the buffer is empty
    /// meanwhile, so nobody else writes where the borrower does, or frees it.
    @unsafe
    func lend(_ room: Int) -> (memory: UnsafeMutableRawBufferPointer, start: Int, end: Int) {
        reserve(max(room, 1))
        let lent = unsafe (memory: storage, start: start, end: end)
        unsafe storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        start = 0
        end = 0
        return unsafe lent
    }

    /// Takes the memory back; what is readable in it begins at `start` and ends before `end`.
    @unsafe
    func takeBack(_ memory: UnsafeMutableRawBufferPointer, start: Int, end: Int) {
        precondition(unsafe storage.baseAddress == nil && start >= 0 && start <= end && end <= memory.count)
        unsafe storage = memory
        self.start = start
        self.end = end
    }

    // MARK: For the system calls and the parsers

    /// The readable octets for the time of `body`.
    @inline(always) @unsafe
    package func withReadable<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try body(UnsafeRawBufferPointer(rebasing: storage[start..<end]))
    }

    /// Room for at least `room` octets for the time of `body`, which returns how many of them it wrote.
    @inline(always) @unsafe
    package func withWritable(_ room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        reserve(room)
        let written = unsafe body(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
        precondition(written >= 0 && written <= (unsafe storage.count) - end)
        end &+= written
        return written
    }
}
