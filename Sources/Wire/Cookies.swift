/// The pairs of a request's Cookie lines (RFC 6265bis 5.6), as octets.
///
/// Names are compared octet by octet. Only SP and HTAB around a pair, and in front of a value, are taken away: any other white space
/// belongs to the name, or a name with some in front of it would pass for ours. White space between a name and its `=` is written by no
/// browser: such a pair is nobody's credential, and does not go on under our name either. Quotes mean nothing: a `;` always ends the
/// pair.
package enum Cookies {
    package enum Lookup: Equatable, Sendable {
        case none
        case one(ByteRange)
        /// More than one cookie of this name, or one that only some readers take for it: which of them is ours cannot be told.
        case several
    }

    /// What the Cookie lines of a head hold, seen in one pass.
    package struct Survey: Equatable, Sendable {
        package var session = Lookup.none
        package var token = Lookup.none
        /// There are pairs that are neither's.
        package var hasOthers = false

        package init() {}
    }

    /// Looks through all Cookie lines of the head for the cookies of these two names.
    package static func survey(_ head: RequestHead, session: [UInt8], token: [UInt8]) -> Survey {
        var survey = Survey()
        guard head.has(.cookie) else { return survey }
        let bytes = head.bytes
        let octets = bytes.octets
        for field in head.fields where field.id == .cookie {
            var pairs = Pairs(field.value)
            while let pair = pairs.next(in: octets) {
                if octets.equals(pair.name, session) {
                    survey.session.add(pair)
                } else if octets.equals(pair.name, token) {
                    survey.token.add(pair)
                } else {
                    survey.hasOthers = true
                }
            }
        }
        return survey
    }

    /// Appends the pairs of all Cookie lines but those of `names`, as the value of one line: `a=b; c=d`.
    ///
    /// - Returns: false when nothing remains; then nothing was appended.
    @discardableResult
    package static func append(_ head: RequestHead, without names: [[UInt8]], to out: inout HeadWriter) -> Bool {
        let bytes = head.bytes
        let octets = bytes.octets
        var hasPair = false
        for field in head.fields where field.id == .cookie {
            var pairs = Pairs(field.value)
            while let pair = pairs.next(in: octets) {
                if isNamed(octets, pair, names) { continue }
                if hasPair { out.append("; ") }
                out.append(octets, pair.whole)
                hasPair = true
            }
        }
        return hasPair
    }

    /// A pair without `=` has a value and no name by RFC 6265bis, but some servers take it for a name without a value: it does not go
    /// on under our name either.
    private static func isNamed(_ octets: Octets, _ pair: Pair, _ names: [[UInt8]]) -> Bool {
        for name in names where octets.equals(pair.name, name) { return true }
        return false
    }

    fileprivate struct Pair {
        /// The whole pair, trimmed.
        let whole: ByteRange
        /// What stands before the first `=`, or the whole pair.
        let name: ByteRange
        /// What follows the first `=`; nil when there is none.
        let value: ByteRange?
        /// The `=` follows the name at once.
        let isNameExact: Bool
    }

    /// Each step goes past a `;` or to the end, so an odd line ends like any other.
    private struct Pairs {
        private var position: Int
        private let end: Int

        init(_ range: ByteRange) {
            position = range.start
            end = range.end
        }

        mutating func next(in octets: Octets) -> Pair? {
            while position < end {
                let start = position
                let stop = octets.first(.ascii(";"), from: start, to: end)
                position = stop &+ 1
                let whole = octets.trimmed(start, stop)
                if whole.isEmpty { continue }
                let equals = octets.first(.ascii("="), from: start, to: stop)
                if equals == stop { return Pair(whole: whole, name: whole, value: nil, isNameExact: true) }
                let name = octets.trimmed(start, equals)
                return Pair(
                    whole: whole, name: name, value: octets.trimmed(equals &+ 1, stop), isNameExact: name.end == equals)
            }
            return nil
        }
    }
}

extension Cookies.Lookup {
    fileprivate mutating func add(_ pair: Cookies.Pair) {
        guard let value = pair.value else { return }
        self = self == .none && pair.isNameExact ? .one(value) : .several
    }
}

extension Span where Element == UInt8 {
    func equals(_ range: ByteRange, _ other: [UInt8]) -> Bool {
        guard range.end &- range.start == other.count else { return false }
        for index in 0..<other.count where self[range.start &+ index] != other[index] { return false }
        return true
    }
}
