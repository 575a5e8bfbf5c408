/// What a request's and a response's head have in common. A head is filled by its parser and used again for the next message, so that
/// in steady state nothing is allocated.
package class MessageHead {
    /// The head's own octets; every range of the head is into them.
    package final let bytes = Buffer()
    package final var version = HTTPVersion.http11
    package final var fields: [HeaderField] = []
    package final var framing = BodyFraming.none
    /// Whether the connection may carry another message after this one, as far as this head says.
    package final var keepAlive = false
    /// Whether Connection names anything but `close` and `keep-alive`; when not, `connectionNames` need not be asked.
    package final var hasConnectionOptions = false

    init() {}

    /// The value of the first field of this name.
    package final func value(of id: FieldName) -> ByteRange? {
        for field in fields where field.id == id { return field.value }
        return nil
    }

    package final func count(of id: FieldName) -> Int {
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

    final func resetCommon() {
        bytes.removeAll()
        fields.removeAll(keepingCapacity: true)
        framing = .none
        keepAlive = false
        hasConnectionOptions = false
    }

    /// Moves the first `count` octets of `input` here.
    final func take(_ count: Int, from input: Buffer) {
        bytes.removeAll()
        bytes.append(input, ByteRange(offset: 0, count: count))
        input.consume(count)
    }
}
