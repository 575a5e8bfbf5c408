import Access
import Wire

/// Builds the JSON of an endpoint's answer. Names are ours; every value is escaped.
struct JSONAnswer {
    private let out = Buffer(capacity: 256)

    /// Appends what is ours: punctuation and names.
    func raw(_ text: StaticString) { out.append(text) }

    func string(_ octets: [UInt8]) { JSONWriter.appendString(octets, to: out) }

    func number(_ value: Int) { out.append(decimal: UInt64(max(0, value))) }

    /// `milliseconds` since 1970, as RFC 3339 text.
    func time(_ milliseconds: Int64) {
        out.append("\"")
        Timestamp.append(milliseconds: milliseconds, .seconds, to: out)
        out.append("\"")
    }

    func user(_ identity: Identity) {
        raw("{\"id\":")
        string(identity.userID.bytes)
        raw(",\"username\":")
        string(identity.username)
        raw(",\"role\":")
        string(identity.role)
        raw("}")
    }

    /// The whole as a response.
    func answer() -> Answer {
        out.append("\n")
        return Answer(status: 200, contentType: "application/json", body: out.array(ByteRange(offset: 0, count: out.count)))
    }
}
