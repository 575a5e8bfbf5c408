import FoundationEssentials
import Loop

/// Times as people read them.
enum Moment {
    /// Milliseconds since 1970, now.
    static var now: Int64 { Clock.wall() }

    /// RFC 3339 in UTC, to the second. What is out of range for a calendar is shown as the number it is.
    static func text(_ milliseconds: Int64) -> String {
        // The end of the year 9999.
        guard (0...253_402_300_799_999).contains(milliseconds) else { return String(milliseconds) }
        return Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(Date.ISO8601FormatStyle())
    }
}
