package import Wire

/// Names one exchange in the log, on the error page and to the upstream: 32 lower-case hexadecimal digits.
package struct RequestID: Sendable, Equatable {
    let high: UInt64
    let low: UInt64
    /// Written four times an exchange, so made once.
    let digits: HexadecimalDigits

    init(high: UInt64, low: UInt64) {
        self.init(high: high, low: low, digitsOfHigh: HexadecimalWord(high))
    }

    /// - Parameter digitsOfHigh: of `high`, which a worker's ids share.
    init(high: UInt64, low: UInt64, digitsOfHigh: HexadecimalWord) {
        self.high = high
        self.low = low
        digits = HexadecimalDigits(high: digitsOfHigh, low: HexadecimalWord(low))
    }

    package func append(to out: Buffer) { out.append(digits) }

    package var text: String {
        let out = Buffer()
        append(to: out)
        return String(decoding: out.array(ByteRange(offset: 0, count: out.count)), as: UTF8.self)
    }
}

/// Ids that no two exchanges share. They are names and not secrets: random once per worker, then counted and scattered.
struct RequestIDSource {
    private let seed: UInt64
    private let digitsOfSeed: HexadecimalWord
    private var counter: UInt64 = 0

    init(seed: UInt64) {
        self.seed = seed
        digitsOfSeed = HexadecimalWord(seed)
    }

    mutating func next() -> RequestID {
        counter &+= 1
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) is a bijection: a worker's ids differ as its counter does.
        var low = counter &* 0x9e37_79b9_7f4a_7c15
        low = (low ^ (low >> 30)) &* 0xbf58_476d_1ce4_e5b9
        low = (low ^ (low >> 27)) &* 0x94d0_49bb_1331_11eb
        return RequestID(high: seed, low: low ^ (low >> 31), digitsOfHigh: digitsOfSeed)
    }
}
