/// Octets that are looked at in place; every access is checked against the end.
package typealias Octets = Span<UInt8>

extension Buffer {
    /// The readable octets, until the buffer is next changed.
    package var octets: Octets {
        @_lifetime(borrow self)
        get { Octets(_bytes: readable) }
    }

    /// A copy of the readable octets in `range`. For places off the request path.
    package func array(_ range: ByteRange) -> [UInt8] {
        precondition(range.start >= 0 && range.end <= count)
        return unsafe withReadable { unsafe Array($0[range.start..<range.end]) }
    }

    /// Whether the readable octets in `range` are exactly `text`.
    package func equals(_ range: ByteRange, _ text: StaticString) -> Bool { octets.equals(range, text) }

    /// Whether the readable octets in `range` are `text`, the case of ASCII letters apart. `text` is given in lower case.
    package func equalsFolded(_ range: ByteRange, _ text: StaticString) -> Bool { octets.equalsFolded(range, text) }
}

extension Span where Element == UInt8 {
    /// Eight octets from `offset`, the first one lowest; checked against the end.
    @inline(always)
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Four octets from `offset`, the first one lowest; checked against the end.
    @inline(always)
    private func half(at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(always) @unsafe
    private func half(of text: UnsafeRawPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The first octet in `offset..<end` that `isSought`; `end` when there is none.
    /// - Parameter marks: of eight octets, the highest bit of each that may be sought, and at least of the first that is; what other
    ///   bits say does not matter. A borrow or carry may mark an octet too many above one that is marked rightly.
    @inline(always)
    private func first(from offset: Int, to end: Int, _ marks: (UInt64) -> UInt64, _ isSought: (UInt8) -> Bool) -> Int {
        var index = offset
        while end &- index >= 8 {
            let marks = marks(word(at: index)) & 0x8080_8080_8080_8080
            if marks == 0 {
                index &+= 8
                continue
            }
            index &+= marks.trailingZeroBitCount / 8
            if isSought(self[index]) { return index }
            index &+= 1
        }
        while index < end, !isSought(self[index]) { index &+= 1 }
        return index
    }

    /// The first `octet` in `offset..<end`; `end` when there is none.
    @inline(always)
    func first(_ octet: UInt8, from offset: Int, to end: Int) -> Int {
        let pattern = UInt64(octet) &* 0x0101_0101_0101_0101
        return first(from: offset, to: end) { word in
            // The lowest marked octet is the first zero octet of the difference.
            let difference = word ^ pattern
            return (difference &- 0x0101_0101_0101_0101) & ~difference
        } _: {
            $0 == octet
        }
    }

    /// The first control octet (0x00...0x1F but HTAB, or 0x7F) in `offset..<end`; `end` when there is none.
    @inline(always)
    func firstControl(from offset: Int, to end: Int) -> Int {
        first(from: offset, to: end) { word in
            let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            return (word &- 0x2020_2020_2020_2020) & ~word | (delete &- 0x0101_0101_0101_0101) & ~delete
        } _: {
            $0.isControl
        }
    }

    /// The first octet that is not visible ASCII (0x21...0x7E) in `offset..<end`; `end` when there is none.
    @inline(always)
    func firstInvisible(from offset: Int, to end: Int) -> Int {
        first(from: offset, to: end) { word in
            // The first half marks what is below 0x21 or above 0xA0, the second 0x7F to 0xFE.
            (word &- 0x2121_2121_2121_2121) | (word &+ 0x0101_0101_0101_0101)
        } _: {
            !ASCIISet.visible.contains($0)
        }
    }

    func equals(_ range: ByteRange, _ text: StaticString) -> Bool {
        guard range.end &- range.start == text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[range.start &+ index] != text.utf8Start[index] { return false }
        return true
    }

    func equalsFolded(_ range: ByteRange, _ text: StaticString) -> Bool {
        guard range.end &- range.start == text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[range.start &+ index].lowercased != text.utf8Start[index] { return false }
        return true
    }

    /// Whether the token in `range` is `text`, the case of letters apart. `text` holds lower-case letters, digits and `-` only: no octet
    /// of a token but a letter's other case becomes one of these when bit 5 is set, so eight octets are compared at once.
    func equalsToken(_ range: ByteRange, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard range.end &- range.start == count else { return false }
        let other = unsafe UnsafeRawPointer(text.utf8Start)
        if count >= 4, count < 8 {
            // The two halves may overlap.
            return unsafe (half(at: range.start) | 0x2020_2020) == half(of: other, at: 0)
                && (half(at: range.end &- 4) | 0x2020_2020) == half(of: other, at: count &- 4)
        }
        guard count >= 8 else {
            for index in 0..<count where unsafe self[range.start &+ index] | 0x20 != text.utf8Start[index] { return false }
            return true
        }
        var index = 0
        while true {
            let expected = unsafe UInt64(littleEndian: other.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if word(at: range.start &+ index) | 0x2020_2020_2020_2020 != expected { return false }
            if index == count &- 8 { return true }
            // The last word may overlap the one before it.
            index = Swift.min(index &+ 8, count &- 8)
        }
    }

    /// Where the token that begins at `offset` ends (RFC 9110 5.6.2), at most `end`.
    @inline(always)
    func endOfToken(from offset: Int, to end: Int) -> Int {
        var index = offset
        // Names are letters and `-`, nearly always: eight of them are known for what they are at once.
        while end &- index >= 8 {
            let word = word(at: index)
            let lower = word | 0x2020_2020_2020_2020
            let letters = (lower &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(lower &+ 0x0505_0505_0505_0505)
            let hyphens = ~((word ^ 0x2D2D_2D2D_2D2D_2D2D) &+ 0x7F7F_7F7F_7F7F_7F7F)
            let others = ~(letters | hyphens) & 0x8080_8080_8080_8080
            // An octet above 0x7F would carry into the next one.
            if word & 0x8080_8080_8080_8080 != 0 { break }
            if others != 0 {
                index &+= others.trailingZeroBitCount / 8
                break
            }
            index &+= 8
        }
        while index < end, ASCIISet.token.contains(self[index]) { index &+= 1 }
        return index
    }

    /// Where a path stops being canonical for certain, at most `end`: at a `/` before another or before a `.`, or at one of `%?#\`.
    func endOfPlainPath(from offset: Int, to end: Int) -> Int {
        var index = offset
        // Each octet is looked at together with the one behind it.
        while end &- index >= 9 {
            let word = word(at: index)
            let next = self.word(at: index &+ 1)
            let segments = word.marks(of: .ascii("/")) & (next | 0x0101_0101_0101_0101).marks(of: .ascii("/"))
            let others = word.marks(of: .ascii("%")) | word.marks(of: .ascii("?")) | word.marks(of: .ascii("#")) | word.marks(of: .ascii("\\"))
            let marks = segments | others
            if marks != 0 { return index &+ marks.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < end {
            switch self[index] {
            case .ascii("/"):
                let next = index &+ 1 < end ? self[index &+ 1] : 0
                if next == .ascii("/") || next == .ascii(".") { return index }
            case .ascii("%"), .ascii("?"), .ascii("#"), .ascii("\\"): return index
            default: break
            }
            index &+= 1
        }
        return index
    }

    /// Whether two stretches are the same, the case of ASCII letters apart.
    func equalsFolded(_ range: ByteRange, _ other: ByteRange) -> Bool {
        guard range.count == other.count else { return false }
        for index in 0..<(range.end &- range.start)
        where self[range.start &+ index].lowercased != self[other.start &+ index].lowercased { return false }
        return true
    }

    /// `range` without the SP and HTAB at both of its ends.
    @inline(always)
    func trimmed(_ start: Int, _ end: Int) -> ByteRange {
        var first = start
        var last = end
        while first < last, self[first].isBlank { first &+= 1 }
        while last > first, self[last &- 1].isBlank { last &-= 1 }
        return ByteRange(offset: first, count: last &- first)
    }
}

extension UInt64 {
    /// The highest bit of each of the eight octets that is `octet`; no other bit.
    @inline(always)
    func marks(of octet: UInt8) -> UInt64 {
        let difference = self ^ (UInt64(octet) &* 0x0101_0101_0101_0101)
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~(((difference & low) &+ low) | difference | low)
    }
}

extension UInt8 {
    @inline(always) var isControl: Bool { (self < 0x20 && self != 0x09) || self == 0x7F }

    /// Printable ASCII other than `"` and `\`.
    package var isPlain: Bool { self >= 0x20 && self <= 0x7E && self != .ascii("\"") && self != .ascii("\\") }
}

/// The members of a comma-separated list (RFC 9110 5.6.1), trimmed; empty members are passed over.
struct ListMembers {
    private var position: Int
    private let end: Int

    init(_ range: ByteRange) {
        position = range.start
        end = range.end
    }

    mutating func next(in octets: Octets) -> ByteRange? {
        while position < end {
            let start = position
            while position < end, octets[position] != .ascii(",") { position &+= 1 }
            let member = octets.trimmed(start, position)
            position &+= 1
            if !member.isEmpty { return member }
        }
        return nil
    }
}
