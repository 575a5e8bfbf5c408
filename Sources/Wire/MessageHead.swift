/// What a request's and a response's head have in common. A head is filled by its parser and used again for the next message, so that
/// in steady state nothing is allocated.
///
/// What was parsed is stored as a few values, each written once a message: a write to a property of an object costs an exclusivity
/// check, and twenty of them cost a third of the parsing.
package class MessageHead {
    struct Traits {
        var version = HTTPVersion.http11
        var framing = BodyFraming.none
        var keepAlive = false
        var hasConnectionOptions = false
        /// The names of the fields, a bit each by `FieldName.bit`.
        var names: UInt64 = 0
    }

    /// The head's own octets; every range of the head is into them.
    package final let bytes = Buffer()
    package final var fields: [HeaderField] { unsafe taken }
    // Unchecked: a head is one worker's, and is filled between two uses, never during one.
    @exclusivity(unchecked) private final var taken: [HeaderField] = []
    private final var traits = Traits()

    init() {}

    package final var version: HTTPVersion { traits.version }
    package final var framing: BodyFraming { traits.framing }
    /// Whether the connection may carry another message after this one, as far as this head says.
    package final var keepAlive: Bool { traits.keepAlive }
    /// Whether Connection names anything but `close` and `keep-alive`; when not, `connectionNames` need not be asked.
    package final var hasConnectionOptions: Bool { traits.hasConnectionOptions }

    /// Whether there is a field of this name.
    package final func has(_ id: FieldName) -> Bool { traits.names & id.bit != 0 }

    /// The value of the first field of this name.
    package final func value(of id: FieldName) -> ByteRange? {
        guard has(id) else { return nil }
        for field in fields where field.id == id { return field.value }
        return nil
    }

    package final func count(of id: FieldName) -> Int {
        guard has(id) else { return 0 }
        var count = 0
        for field in fields where field.id == id { count &+= 1 }
        return count
    }

    /// Whether Connection names the field whose name stands at `name` in `bytes` (RFC 9110 7.6.1).
    package final func connectionNames(_ name: ByteRange) -> Bool {
        guard hasConnectionOptions else { return false }
        let bytes = self.bytes
        let octets = bytes.octets
        for field in fields where field.id == .connection {
            var members = ListMembers(field.value)
            while let member = members.next(in: octets) {
                if octets.equalsFolded(member, name) { return true }
            }
        }
        return false
    }

    /// Takes over a head that is complete. The old array goes back, so that its memory is used again.
    final func take(_ fields: inout [HeaderField], _ traits: Traits) {
        unsafe swap(&taken, &fields)
        self.traits = traits
    }

    /// Moves the first `count` octets of `input` here.
    final func take(_ count: Int, from input: Buffer) {
        let bytes = self.bytes
        bytes.removeAll()
        bytes.append(input, ByteRange(offset: 0, count: count))
        input.consume(count)
    }
}
