/// A response of the gateway's own: small, whole, and never cached (rule 44).
package struct Answer: Sendable {
    package var status: Int
    package var contentType: StaticString?
    package var body: [UInt8]
    /// Further fields: names that we write, values that were checked where they come from.
    package var fields: [(name: StaticString, value: [UInt8])]
    /// Says `Connection: close` and closes after the answer.
    package var closes = false
    /// For the log: what went wrong, in words that are not for the client.
    package var note: String?

    package init(
        status: Int, contentType: StaticString? = nil, body: [UInt8] = [],
        fields: [(name: StaticString, value: [UInt8])] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.fields = fields
    }

    package func adding(_ name: StaticString, _ value: String) -> Answer {
        var answer = self
        answer.fields.append((name, Array(value.utf8)))
        return answer
    }
}
