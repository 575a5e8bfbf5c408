import Wire

/// A set of field names that have an id, a bit each: one question for all of them.
struct FieldNameSet {
    private var bits: UInt64 = 0

    init(_ names: some Sequence<FieldName>) {
        for name in names { bits |= FieldNameSet.bit(name) }
    }

    @inline(__always)
    func contains(_ name: FieldName) -> Bool { bits & FieldNameSet.bit(name) != 0 }

    // There are fewer than 64.
    @inline(__always)
    private static func bit(_ name: FieldName) -> UInt64 { 1 << UInt64(name.rawValue) }
}
