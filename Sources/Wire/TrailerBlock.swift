/// The fields that came behind a chunked body's content: read like those of a head, and never merged into one (RFC 9112 7.1.2).
package struct TrailerBlock {
    /// One object, made with the first trailer: decoders are copied for every message, and hardly any message has trailers.
    private final class Storage {
        let bytes = Buffer(capacity: 512)
        var fields: [HeaderField] = []
    }

    private var storage: Storage?

    /// The field lines as they came, each with its CRLF.
    package var bytes: Buffer { storage?.bytes ?? Buffer() }
    /// Ranges into `bytes`.
    package var fields: [HeaderField] { storage?.fields ?? [] }
    package var isEmpty: Bool { storage == nil }

    /// Octets so far.
    var count: Int { storage?.bytes.count ?? 0 }

    /// Adds the field line that stands in the first `count` octets of `input`, its CRLF included.
    mutating func append(_ input: Buffer, _ count: Int) throws(WireError) {
        // No line number applies; 3 tells a fold from white space before the first field.
        let field: HeaderField
        do {
            field = try HeaderField.parse(input.octets, from: 0, to: count &- 2, line: isEmpty ? 2 : 3)
        } catch {
            throw WireError(error.reason)
        }
        if field.id.isForbiddenInTrailers { throw WireError(.forbiddenTrailer) }
        let storage = self.storage ?? Storage()
        self.storage = storage
        let offset = storage.bytes.count
        storage.bytes.append(input, ByteRange(offset: 0, count: count))
        storage.fields.append(
            HeaderField(
                name: ByteRange(offset: field.name.start &+ offset, count: field.name.end &- field.name.start),
                value: ByteRange(offset: field.value.start &+ offset, count: field.value.end &- field.value.start), id: field.id))
    }
}
