import Wire

/// Printable ASCII other than `"` and `\`: what stands in a JSON string, and in a quoted field of a log, as it is.
enum PlainText {
    /// Copies `octets` and tells whether they are plain: eight at once, or as many as there are; the
    /// last ones may overlap those before.
    /// - Parameter room: for as many octets.
    @unsafe
    static func copy(_ octets: Octets, to room: UnsafeMutableRawPointer) -> Bool {
        unsafe octets.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress, buffer.count > 0 else { return true }
            return unsafe copy(UnsafeRawPointer(start), buffer.count, to: room)
        }
    }

    @unsafe
    private static func copy(_ from: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) -> Bool {
        if count >= 8 {
            let last = count &- 8
            var marks: UInt64 = 0
            var offset = 0
            while true {
                marks |= marked(unsafe move(UInt64.self, from, room, offset))
                if offset == last { return marks == 0 }
                offset = min(offset &+ 8, last)
            }
        }
        if count >= 4 { return unsafe isPlain(UInt32.self, from, room, count) }
        if count >= 2 { return unsafe isPlain(UInt16.self, from, room, count) }
        return unsafe isPlain(UInt8.self, from, room, count)
    }

    /// Of as many octets as one or two numbers have.
    @inline(always) @unsafe
    private static func isPlain<Number: FixedWidthInteger & BitwiseCopyable>(
        _ number: Number.Type, _ from: UnsafeRawPointer, _ room: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        let first = unsafe move(number, from, room, 0)
        let last = unsafe move(number, from, room, count &- Number.bitWidth / 8)
        // What the two leave of the word is filled with spaces.
        let rest = (0x2020_2020_2020_2020 as UInt64) << UInt64(2 * Number.bitWidth)
        return marked(UInt64(first) | UInt64(last) << UInt64(Number.bitWidth) | rest) == 0
    }

    /// Copies the octets of one number.
    @inline(always) @unsafe
    private static func move<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type, _ from: UnsafeRawPointer, _ room: UnsafeMutableRawPointer, _ offset: Int
    ) -> Number {
        let number = unsafe from.loadUnaligned(fromByteOffset: offset, as: Number.self)
        unsafe room.storeBytes(of: number, toByteOffset: offset, as: Number.self)
        return number
    }

    /// Zero when each of the eight octets is plain.
    @inline(always)
    private static func marked(_ word: UInt64) -> UInt64 {
        let quote = (word ^ 0x2222_2222_2222_2222) &- 0x0101_0101_0101_0101
        let backslash = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- 0x0101_0101_0101_0101
        // A borrow marks an octet too many only above one that is marked rightly, and an octet above 0x7F is marked by itself.
        return ((word &- 0x2020_2020_2020_2020) | (word &+ 0x0101_0101_0101_0101) | word | quote | backslash) & 0x8080_8080_8080_8080
    }
}
