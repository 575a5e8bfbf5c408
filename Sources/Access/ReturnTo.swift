/// Where a sign-in goes back to: a path of this site, or `/` (rule 37).
package enum ReturnTo {
    package static let maxLength = 2048
    package static let fallback: [UInt8] = [UInt8(ascii: "/")]

    /// `presented` when it is a path of this site that every reader takes for one, otherwise `/`. Ready for `Location`.
    package static func validated(_ presented: [UInt8]) -> [UInt8] { isSafe(presented) ? presented : fallback }

    package static func isSafe(_ target: [UInt8]) -> Bool {
        guard target.count <= maxLength else { return false }
        // What is sent: nothing that a browser drops (tab, CR, LF), turns round (\) or reads as another part of the URL.
        guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }), isPath(target) else { return false }
        // What somebody may make of it by decoding once more, and then again.
        var text = target
        for _ in 0..<3 {
            guard let decoded = PercentEncoding.decode(text) else { return false }
            if decoded == text { return true }
            text = decoded
            guard !text.contains(where: { $0 < 0x20 || $0 == 0x7F }), isPath(text) else { return false }
        }
        // Still encoded after three rounds: nobody needs that.
        return false
    }

    /// One `/` in front, so that no authority follows, and in the path no second one right after another, no `\`, and no segment that
    /// goes up to where an authority could begin.
    private static func isPath(_ target: [UInt8]) -> Bool {
        guard target.first == UInt8(ascii: "/") else { return false }
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        guard !target.contains(UInt8(ascii: "\\")) else { return false }
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if segments.dropLast().contains(where: \.isEmpty) { return false }
        return !segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }
}
