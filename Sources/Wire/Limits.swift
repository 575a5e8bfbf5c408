/// How much of a head is taken.
package struct HeadLimits: Sendable, Equatable {
    /// Octets of the start line with its CRLF. RFC 9112 3 asks for at least 8000 to be supported.
    package var startLine: Int
    /// Octets of all field lines with their CRLFs, the empty line that ends the head among them.
    package var bytes: Int
    package var fields: Int

    package init(startLine: Int = 8448, bytes: Int = 32768, fields: Int = 100) {
        self.startLine = startLine
        self.bytes = bytes
        self.fields = fields
    }
}

/// How much is taken of what stands around a chunked body's content.
package struct BodyLimits: Sendable, Equatable {
    /// Octets of all trailers with their CRLFs.
    package var trailerBytes: Int
    package var trailerFields: Int
    /// Octets of the extensions of all chunks of one body together: a flood of them costs its sender little and its reader much.
    package var extensionBytes: Int

    package init(trailerBytes: Int = 8192, trailerFields: Int = 32, extensionBytes: Int = 16384) {
        self.trailerBytes = trailerBytes
        self.trailerFields = trailerFields
        self.extensionBytes = extensionBytes
    }
}
