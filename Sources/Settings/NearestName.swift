/// Finds what somebody probably meant to type.
enum NearestName {
    /// The candidate with the fewest edits, when it is near enough to be what was meant.
    static func of(_ name: String, among candidates: [String]) -> String? {
        let written = Array(name.utf8.prefix(64)).map(folded)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(written, Array(candidate.utf8).map(folded))
            // Of two that are as near, the one with the same first letter: that one is seldom mistyped.
            let isNearer = distance == best?.distance && candidate.utf8.first.map(folded) == written.first
            if isNearer || distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        // A third of the letters wrong is still a slip; more is another word.
        guard let best, best.distance <= max(1, max(written.count, best.name.utf8.count) / 3) else { return nil }
        return best.name
    }

    /// What to say about a name that is not among the candidates.
    static func hint(_ name: String, among candidates: [String]) -> String {
        if let nearest = of(name, among: candidates) { return "did you mean `\(nearest)`?" }
        return "known here: \(candidates.joined(separator: ", "))"
    }

    private static func folded(_ octet: UInt8) -> UInt8 {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet | 0x20
        case UInt8(ascii: "-"): UInt8(ascii: "_")
        default: octet
        }
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let same = left[row] == right[column]
                var edits = min(last[column] + (same ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    edits = min(edits, beforeLast[column - 1] + 1)
                }
                current.append(edits)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
