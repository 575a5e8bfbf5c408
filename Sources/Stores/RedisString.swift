internal import Wire

/// A string that answers a command (`$5\r\nhello\r\n`, RESP2's bulk string), read where it lies in the input.
///
/// It is what nearly every check is answered with. hiredis makes three allocations of it; what is not of exactly this form, or not all
/// there yet, is left to hiredis.
struct RedisString {
    /// More digits than the longest reply's length has are not read.
    private static let maximumDigits = 7

    /// Where its octets are, from the input's first readable one.
    let octets: ByteRange
    /// Octets of the whole reply.
    let length: Int

    /// Nil: what `input` begins with is something else, or goes on.
    init?(_ input: Octets) {
        guard input.count > 2, input[0] == UInt8(ascii: "$") else { return nil }
        var offset = 1
        var count = 0
        while offset < input.count, offset <= Self.maximumDigits, let digit = Self.digit(input[offset]) {
            count = count &* 10 &+ digit
            offset &+= 1
        }
        // No digit (a string that is not there has the length -1), or a length that is not written as Redis writes it.
        guard offset > 1, offset == 2 || input[1] != UInt8(ascii: "0") else { return nil }
        guard Self.isLineEnd(input, offset) else { return nil }
        octets = ByteRange(offset: offset &+ 2, count: count)
        guard Self.isLineEnd(input, octets.end) else { return nil }
        length = octets.end &+ 2
    }

    private static func digit(_ octet: UInt8) -> Int? {
        let digit = octet &- UInt8(ascii: "0")
        return digit < 10 ? Int(digit) : nil
    }

    private static func isLineEnd(_ input: Octets, _ offset: Int) -> Bool {
        offset &+ 2 <= input.count && input[offset] == 0x0D && input[offset &+ 1] == 0x0A
    }
}
