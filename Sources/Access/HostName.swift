/// What a Host value names, apart from its port. Rule 11: done here, once, for every comparison.
enum HostName {
    /// How many octets of `authority` are the name: without `:port` and without one dot at the end.
    static func length(of authority: RawSpan) -> Int {
        var end = authority.byteCount
        if end > 0, authority.octet(at: 0) == UInt8(ascii: "[") {
            // An IPv6 literal has colons of its own; the port follows the bracket.
            var index = 0
            while index < end, authority.octet(at: index) != UInt8(ascii: "]") { index += 1 }
            return min(index + 1, end)
        }
        for index in 0..<end where authority.octet(at: index) == UInt8(ascii: ":") {
            end = index
            break
        }
        if end > 0, authority.octet(at: end - 1) == UInt8(ascii: ".") { end -= 1 }
        return end
    }

    /// Whether the first `length` octets of `authority` are `name`, which is in lower case.
    static func matches(_ authority: RawSpan, length: Int, _ name: [UInt8]) -> Bool {
        guard length == name.count else { return false }
        for index in 0..<length where lowercased(authority.octet(at: index)) != name[index] { return false }
        return true
    }

    /// ASCII only: Unicode would fold the Kelvin sign into a k (rule 17).
    @inline(always)
    static func lowercased(_ octet: UInt8) -> UInt8 {
        octet >= UInt8(ascii: "A") && octet <= UInt8(ascii: "Z") ? octet | 0x20 : octet
    }

    /// RFC 3986 3.2.2: a registered name's unreserved octets, and what an IPv6 literal is written with.
    static func isAllowed(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
