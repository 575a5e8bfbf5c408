/// A number of octets.
package struct OctetCount: Hashable, Comparable, Sendable {
    /// `UInt64.max` stands for no limit.
    package let octets: UInt64

    package static let unlimited = OctetCount(octets: .max)
    package static func octets(_ count: UInt64) -> OctetCount { OctetCount(octets: count) }
    package static func kibi(_ count: UInt64) -> OctetCount { OctetCount(octets: count * 1_024) }
    package static func mebi(_ count: UInt64) -> OctetCount { kibi(count * 1_024) }
    package static func gibi(_ count: UInt64) -> OctetCount { mebi(count * 1_024) }

    package static func < (left: OctetCount, right: OctetCount) -> Bool { left.octets < right.octets }
}

extension OctetCount: CustomStringConvertible {
    private static let units: [(suffix: String, octets: UInt64)] = [("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("", 1)]

    /// In the largest unit that holds it whole: `16k`, `1g`, `unlimited`.
    package var description: String {
        if self == .unlimited { return "unlimited" }
        for unit in Self.units where octets % unit.octets == 0 && octets != 0 { return "\(octets / unit.octets)\(unit.suffix)" }
        return "0"
    }

    /// `500`, `16k`, `10m`, `1g`, in powers of 1024; nil for anything else.
    init?(_ text: String) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let suffix = text.utf8.dropFirst(digits.count)
        guard let count = Decimal.parse(digits),
            let unit = Self.units.first(where: { $0.suffix.utf8.elementsEqual(suffix) })
        else { return nil }
        let (octets, overflow) = count.multipliedReportingOverflow(by: unit.octets)
        guard !overflow, octets != .max else { return nil }
        self.octets = octets
    }
}

extension Codec where Value == OctetCount {
    /// With `unlimited` allowed, that word lifts the limit.
    static func size(_ range: ClosedRange<OctetCount>, orUnlimited: Bool = false) -> Self {
        Codec(
            schema: [
                ("type", .array([.string("string"), .string("integer")])),
                ("pattern", .string("^((0|[1-9][0-9]*)[kmg]?\(orUnlimited ? "|unlimited" : ""))$")),
                ("x-minimum", .string(range.lowerBound.description)), ("x-maximum", .string(range.upperBound.description)),
            ],
            parse: { (text) throws(Fault) in
                if orUnlimited, text == "unlimited" { return .unlimited }
                guard let size = OctetCount(text) else {
                    throw Fault(
                        "expected a size such as 500, 16k, 10m or 1g\(orUnlimited ? ", or unlimited" : ""), found `\(text)`")
                }
                guard range.contains(size) else {
                    throw Fault("expected a size from \(range.lowerBound) to \(range.upperBound), found \(text)")
                }
                return size
            },
            write: { $0.octets < 1_024 ? .bare($0.description) : .text($0.description) })
    }
}
