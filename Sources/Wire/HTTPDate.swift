/// Dates of HTTP fields (RFC 9110 5.6.7).
package enum HTTPDate {
    /// Appends the IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. The year has four digits: a time outside of the years 1970 to
    /// 9999 is brought to the nearer end.
    package static func append(unixSeconds: Int64, to out: Buffer) {
        let seconds = min(max(unixSeconds, 0), 253_402_300_799)
        let days = Int(seconds / 86400)
        let second = Int(seconds % 86400)
        let (year, month, day) = civil(days)
        // 1970-01-01 was a Thursday.
        appendName("SunMonTueWedThuFriSat", (days + 4) % 7, to: out)
        out.append(", ")
        appendTwo(day, to: out)
        out.append(.ascii(" "))
        appendName("JanFebMarAprMayJunJulAugSepOctNovDec", month - 1, to: out)
        out.append(.ascii(" "))
        appendTwo(year / 100, to: out)
        appendTwo(year % 100, to: out)
        out.append(.ascii(" "))
        appendTwo(second / 3600, to: out)
        out.append(.ascii(":"))
        appendTwo(second / 60 % 60, to: out)
        out.append(.ascii(":"))
        appendTwo(second % 60, to: out)
        out.append(" GMT")
    }

    /// The Gregorian date of a day counted from 1970-01-01, for days from there on. Years are counted from March, so that the leap day
    /// is the last of its year; 719468 days lie between 0000-03-01 and 1970-01-01, 146097 in 400 years.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719468
        let era = shifted / 146097
        let dayOfEra = shifted % 146097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func appendTwo(_ value: Int, to out: Buffer) {
        out.append(0x30 &+ UInt8(truncatingIfNeeded: value / 10 % 10))
        out.append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// The three letters at `index` of a row of such names.
    private static func appendName(_ names: StaticString, _ index: Int, to out: Buffer) {
        for offset in 0..<3 where index >= 0 && index * 3 + offset < names.utf8CodeUnitCount {
            unsafe out.append(names.utf8Start[index * 3 + offset])
        }
    }
}
