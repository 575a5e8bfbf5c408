/// A length of time, in whole milliseconds.
package struct TimeSpan: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package static func milliseconds(_ count: Int64) -> TimeSpan { TimeSpan(milliseconds: count) }
    package static func seconds(_ count: Int64) -> TimeSpan { TimeSpan(milliseconds: count * 1_000) }
    package static func minutes(_ count: Int64) -> TimeSpan { seconds(count * 60) }
    package static func hours(_ count: Int64) -> TimeSpan { minutes(count * 60) }
    package static func days(_ count: Int64) -> TimeSpan { hours(count * 24) }

    /// Wraps never: settings hold no span longer than ten years.
    package var nanoseconds: UInt64 { UInt64(milliseconds) * 1_000_000 }

    package static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.milliseconds < right.milliseconds }
}

extension TimeSpan: CustomStringConvertible {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// In the largest unit that holds it whole: `90s`, `12h`.
    package var description: String {
        for unit in Self.units where milliseconds % unit.milliseconds == 0 && milliseconds != 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
        }
        return "0s"
    }

    /// `250ms`, `30s`, `15m`, `12h`, `7d`; nil for anything else.
    init?(_ text: String) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let count = Decimal.parse(digits), let count = Int64(exactly: count) else { return nil }
        let suffix = text.utf8.dropFirst(digits.count)
        guard let unit = Self.units.first(where: { $0.suffix.utf8.elementsEqual(suffix) }) else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow else { return nil }
        self.milliseconds = milliseconds
    }
}

extension Codec where Value == TimeSpan {
    static func duration(_ range: ClosedRange<TimeSpan>) -> Self {
        Codec(
            schema: [
                ("type", .string("string")), ("pattern", .string("^(0|[1-9][0-9]*)(ms|s|m|h|d)$")),
                ("x-minimum", .string(range.lowerBound.description)), ("x-maximum", .string(range.upperBound.description)),
            ],
            parse: { (text) throws(Fault) in
                guard let span = TimeSpan(text) else {
                    throw Fault("expected a duration such as 250ms, 30s, 15m, 12h or 7d, found `\(text)`")
                }
                guard range.contains(span) else {
                    throw Fault("expected a duration from \(range.lowerBound) to \(range.upperBound), found \(text)")
                }
                return span
            },
            write: { .text($0.description) })
    }
}
