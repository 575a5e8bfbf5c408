import Wire

/// Reads the heads of one connection after another. Where a head has not come whole, what has been read of it goes to another one, for
/// the connection whose head that is.
final class HeadReader {
    // Unchecked, both: of one worker, and parsing calls nobody back.
    @exclusivity(unchecked) private var parser = RequestParser(limits: HeadLimits())
    /// The number of the duty whose limits the parser goes by; 0: of none.
    @exclusivity(unchecked) private var duty: UInt64 = 0

    /// Goes by `limits`, those of the duty with this number, from now on. Between two heads only.
    func adopt(_ limits: HeadLimits, of duty: UInt64) {
        guard unsafe duty != self.duty else { return }
        unsafe self.duty = duty
        unsafe parser = RequestParser(limits: limits)
    }

    /// Begins anew, as after an error.
    /// - Returns: what goes on where this one has stood.
    @discardableResult
    func handOver() -> HeadReader {
        let other = HeadReader()
        unsafe swap(&parser, &other.parser)
        unsafe swap(&duty, &other.duty)
        return other
    }

    /// As `RequestParser.parse`. After an error the reader has to begin anew.
    func parse(_ input: Buffer, into head: RequestHead) throws(WireError) -> Bool {
        unsafe try parser.parse(input, into: head)
    }
}
