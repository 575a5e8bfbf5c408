/// The decimal digits of small numbers as they stand in memory: ASCII, the first one lowest.
enum DecimalDigits {
    /// The two digits of a number below 100.
    @inline(always)
    static func two(_ value: UInt64) -> UInt64 { 0x3030 | value / 10 | (value % 10) << 8 }

    /// The three digits of a number below 1000.
    @inline(always)
    static func three(_ value: UInt64) -> UInt64 { 0x30 | value / 100 | two(value % 100) << 8 }
}
