import Wire

/// A moment as text (RFC 3339), in UTC, to the millisecond: `2026-07-30T12:34:56.789Z`. A time outside of the years 1970 to 9999 is
/// brought to the nearer end, since it may come from a store or a token.
///
/// It can be moved to another moment, and then only what differs is written anew: within a second, the milliseconds.
struct Timestamp {
    enum Precision { case seconds, milliseconds }

    /// The text, eight octets each, the first of them lowest: `2026-07-`, `30T12:34` and `:56.789Z`.
    private(set) var words = zeros
    /// Milliseconds since 1970 at which the second began that the text stands for.
    private var second: UInt64 = 0

    private static let zeros = (word("0000-00-"), word("00T00:00"), word(":00.000Z"))

    /// - Parameter milliseconds: since 1970.
    init(milliseconds: Int64) {
        begin(0)
        move(to: milliseconds)
    }

    /// Makes this the text of the moment `milliseconds` after 1970.
    mutating func move(to milliseconds: Int64) {
        let time = UInt64(min(max(milliseconds, 0), 253_402_300_799_999))
        // Of a time before `second` the difference wraps around.
        if time &- second >= 1_000 { begin(time - time % 1_000) }
        words.2 = words.2 & ~(0xFF_FFFF << 32) | DecimalDigits.three(time &- second) << 32
    }

    private mutating func begin(_ second: UInt64) {
        self.second = second
        let (year, month, day) = Timestamp.civil(second / 86_400_000)
        let time = second / 1_000 % 86_400
        words = Timestamp.zeros
        words.0 |= DecimalDigits.two(year / 100) | DecimalDigits.two(year % 100) << 16 | DecimalDigits.two(month) << 40
        words.1 |= DecimalDigits.two(day) | DecimalDigits.two(time / 3_600) << 24 | DecimalDigits.two(time / 60 % 60) << 48
        words.2 |= DecimalDigits.two(time % 60) << 8
    }

    private static func word(_ text: StaticString) -> UInt64 {
        (0..<8).reduce(0) { unsafe $0 | UInt64(text.utf8Start[$1]) << UInt64(8 * $1) }
    }

    /// Appends the moment `milliseconds` after 1970; to the second it is rounded down, `2026-07-30T12:34:56Z`.
    static func append(milliseconds: Int64, _ precision: Precision, to out: Buffer) {
        var words = Timestamp(milliseconds: milliseconds).words
        if precision == .seconds { words.2 = words.2 & 0xFF_FFFF | UInt64(UInt8(ascii: "Z")) << 24 }
        unsafe withUnsafeBytes(of: (words.0.littleEndian, words.1.littleEndian, words.2.littleEndian)) { octets in
            unsafe out.append(UnsafeRawBufferPointer(rebasing: octets.prefix(precision == .seconds ? 20 : 24)))
        }
    }

    /// The Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day is the last of
    /// its year; 719468 days lie between 0000-03-01 and 1970-01-01, 146097 in 400 years.
    private static func civil(_ days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra + yearOfEra / 100 - (365 * yearOfEra + yearOfEra / 4)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
