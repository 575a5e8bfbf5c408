/// Makes new inputs out of old ones, the same ones in every run.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func number() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(number() % UInt64(bound)) }

    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

    /// What parsers trip over.
    static let pieces: [[UInt8]] = [
        "\r\n", "\r", "\n", "\r\n\r\n", " ", "\t", ":", ";", ",", "=", "\"", "\\", "/", "//", "/.", "/..", "%", "%2e", "%2F", "%c0", "%e0%80",
        "?", "#", "*",
        "0", "00", "9", "-", "+", "f", "FFFFFFFF", "0\r\n\r\n", "\u{0}", "\u{B}", "\u{7F}", "\u{80}", "\u{85}", "\u{A0}", "\u{FF}", "http://",
        "[::1]", "@",
        "Host: a\r\n", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close, x\r\n", "chunked", " HTTP/1.0", "{", "}",
        "[", "]",
        "\\u", "\\ud83d\\ude00", "&", ".", "::", "1e9",
    ].map { octets($0) }

    mutating func mutate(_ seeds: [[UInt8]]) -> [UInt8] {
        var input = pick(seeds)
        for _ in 0...below(3) {
            let place = below(input.count + 1)
            switch below(7) {
            case 0: if place < input.count { input[place] ^= 1 << UInt8(below(8)) }
            case 1: if place < input.count { input[place] = UInt8(truncatingIfNeeded: number()) }
            case 2: input.insert(contentsOf: pick(Mutator.pieces), at: place)
            case 3: input.removeSubrange(place..<min(place + 1 + below(4), input.count))
            case 4: input.insert(contentsOf: input[place..<min(place + 1 + below(12), input.count)], at: place)
            case 5: input = Array(input[..<place]) + pick(seeds).suffix(below(40))
            default: if place < input.count { input.replaceSubrange(place...place, with: pick(Mutator.pieces)) }
            }
        }
        return input
    }

    /// Up to four places to cut `count` octets at, or all of them.
    mutating func cuts(_ count: Int) -> [Int] {
        below(8) == 0 ? Array(0...count) : (0...below(4)).map { _ in below(count + 1) }.sorted()
    }
}
