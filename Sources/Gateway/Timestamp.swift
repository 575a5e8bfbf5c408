import Wire

/// Moments as text (RFC 3339), in UTC.
enum Timestamp {
    enum Precision { case seconds, milliseconds }

    /// Appends the moment `milliseconds` after 1970: `2026-07-30T12:34:56Z`, rounded down, or `2026-07-30T12:34:56.789Z`. A time outside
    /// of the years 1970 to 9999 is brought to the nearer end, since it may come from a store or a token.
    static func append(milliseconds: Int64, _ precision: Precision, to out: Buffer) {
        _ = unsafe out.withWritable(24) { room in
            var line = unsafe LineWriter(room, spill: Buffer())
            append(milliseconds: milliseconds, precision, to: &line)
            return line.count
        }
    }

    static func append(milliseconds: Int64, _ precision: Precision, to line: inout LineWriter) {
        let time = UInt64(min(max(milliseconds, 0), 253_402_300_799_999))
        let (year, month, day) = civil(time / 86_400_000)
        let second = time / 1_000 % 86_400
        line.append(two: year / 100)
        line.append(two: year)
        line.append(UInt8(ascii: "-"))
        line.append(two: month)
        line.append(UInt8(ascii: "-"))
        line.append(two: day)
        line.append(UInt8(ascii: "T"))
        line.append(two: second / 3_600)
        line.append(UInt8(ascii: ":"))
        line.append(two: second / 60 % 60)
        line.append(UInt8(ascii: ":"))
        line.append(two: second % 60)
        if precision == .milliseconds {
            line.append(UInt8(ascii: "."))
            line.append(three: time)
        }
        line.append(UInt8(ascii: "Z"))
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
