/// Appends the many small pieces of a head to a buffer, at a few instructions each.
///
/// What is `public` here is for the compiler: it is inlined where heads are written, in another module, so that the room for a literal
/// is one comparison and its octets are stored without a call. `Buffer.append` cost some fifty instructions a piece (callgrind).
@safe public struct HeadWriter: ~Copyable {
    // Not retained: `Buffer.write`, whose the buffer is, makes the writer and outlives it.
    private let buffer: Unmanaged<Buffer>
    private var memory: UnsafeMutableRawBufferPointer
    private var start: Int
    /// Where the next octet goes, and the end of the room: both in `memory`.
    @usableFromInline var next: UnsafeMutableRawPointer
    @usableFromInline var end: UnsafeMutableRawPointer

    fileprivate init(_ buffer: Buffer, room: Int) {
        let lent = unsafe buffer.lend(room)
        guard let base = unsafe lent.memory.baseAddress else { preconditionFailure("Memory with room has an address.") }
        unsafe self.buffer = Unmanaged.passUnretained(buffer)
        unsafe memory = lent.memory
        start = unsafe lent.start
        unsafe next = base + lent.end
        unsafe end = base + lent.memory.count
    }

    fileprivate consuming func finish() {
        takeBack()
    }

    private borrowing func takeBack() {
        unsafe buffer._withUnsafeGuaranteedRef {
            unsafe $0.takeBack(memory, start: start, end: memory.count - (end - next))
        }
    }

    @usableFromInline @inline(never)
    mutating func makeRoom(_ room: Int) {
        takeBack()
        unsafe buffer._withUnsafeGuaranteedRef { self = HeadWriter($0, room: room) }
    }

    // MARK: Pieces

    @inlinable @inline(always)
    public mutating func append(_ octet: UInt8) {
        if unsafe next == end { makeRoom(1) }
        unsafe next.storeBytes(of: octet, as: UInt8.self)
        unsafe next += 1
    }

    @inlinable @inline(always)
    public mutating func append(_ text: StaticString) {
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inlinable @inline(always)
    public mutating func append(_ octets: [UInt8]) {
        unsafe octets.withUnsafeBytes { unsafe append($0) }
    }

    @unsafe @inlinable @inline(always)
    public mutating func append(_ octets: UnsafeRawBufferPointer) {
        guard let base = octets.baseAddress else { return }
        if unsafe end - next < octets.count { makeRoom(octets.count) }
        unsafe next.copyMemory(from: base, byteCount: octets.count)
        unsafe next += octets.count
    }

    /// What `body` writes: at most `room` octets, from the address that it gets on; it returns their number.
    @unsafe
    mutating func append(atMost room: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
        if unsafe end - next < room { makeRoom(room) }
        let count = unsafe body(next)
        precondition(count >= 0 && count <= room)
        unsafe next += count
    }

    /// The octets of `source` in `range`.
    package mutating func append(_ source: Octets, _ range: ByteRange) {
        unsafe source.extracting(range.start..<range.end).withUnsafeBytes { unsafe append($0) }
    }

    /// All 32 digits.
    package mutating func append(_ digits: HexadecimalDigits) {
        unsafe withUnsafeBytes(of: digits) { unsafe append($0) }
    }

    /// All 16 digits.
    package mutating func append(_ word: HexadecimalWord) {
        unsafe withUnsafeBytes(of: word) { unsafe append($0) }
    }

    /// `value` in decimal ASCII digits.
    package mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    // MARK: Fields

    /// A field line, written anew from its parsed parts: name, colon, SP, value, CRLF (RFC 9112 5).
    package mutating func append(_ field: HeaderField, from source: Octets) {
        append(source, field.name)
        append(": ")
        append(source, field.value)
        append("\r\n")
    }

    /// The field lines that `run` holds.
    package mutating func append(_ run: consuming FieldRun, from source: Octets) {
        if !run.range.isEmpty { append(source, run.range) }
    }

    /// A field line that may go with those of `run`, which stand directly before it and are written when it does not.
    package mutating func append(_ field: HeaderField, from source: Octets, behind run: inout FieldRun) {
        let start = field.name.start
        guard field.isWrittenPlainly(in: source) else {
            append(run, from: source)
            run = FieldRun()
            return append(field, from: source)
        }
        let end = field.value.end &+ 2
        if run.range.end == start, !run.range.isEmpty {
            run.range = ByteRange(offset: run.range.start, count: end &- run.range.start)
        } else {
            append(run, from: source)
            run.range = ByteRange(offset: start, count: end &- start)
        }
    }
}

/// Neighbouring field lines that were received exactly as they would be written, so that one copy writes them all.
package struct FieldRun {
    fileprivate(set) var range = ByteRange.empty

    package init() {}
}

extension HeaderField {
    /// Whether the line was received as we write it: one SP behind the colon, none behind the value.
    fileprivate func isWrittenPlainly(in source: Octets) -> Bool {
        let colon = name.end
        let end = value.end
        return value.start &- colon == 2 && source[colon] == .ascii(":") && source[colon &+ 1] == 0x20 && end &+ 2 <= source.count
            && source[end] == .cr && source[end &+ 1] == .lf
    }
}

extension Buffer {
    /// Appends what `body` writes. Until it returns the buffer's octets are the writer's, and the buffer itself is empty.
    /// - Parameter room: octets that are probably enough; more are found when they are needed.
    package func write(_ room: Int, _ body: (inout HeadWriter) -> Void) {
        withExtendedLifetime(self) {
            var writer = HeadWriter(self, room: room)
            body(&writer)
            writer.finish()
        }
    }
}
