import Wire

/// Reads the heads of one connection after another. One that stands in the middle of a head goes to the connection whose that is.
final class HeadReader {
    // Unchecked: of one worker, and parsing calls nobody back.
    @exclusivity(unchecked) private var parser = RequestParser(limits: HeadLimits())
    /// The number of the duty whose limits the parser goes by; 0: of none.
    private var duty: UInt64 = 0

    /// Goes by `limits`, those of the duty with this number, from now on. Between two heads only.
    func adopt(_ limits: HeadLimits, of duty: UInt64) {
        guard duty != self.duty else { return }
        self.duty = duty
        unsafe parser = RequestParser(limits: limits)
    }

    /// As `RequestParser.parse`. After an error the reader is of no use any more.
    func parse(_ input: Buffer, into head: RequestHead) throws(WireError) -> Bool {
        unsafe try parser.parse(input, into: head)
    }
}
