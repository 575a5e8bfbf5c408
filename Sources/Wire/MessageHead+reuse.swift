extension RequestHead {
    /// Makes this the head of no request and gives its memory back: for a connection that waits, or for an answer to octets
    /// that never became a request.
    package func forget() {
        var fields: [HeaderField] = []
        take(&fields, Traits())
        take(Parts())
        bytes.release()
    }
}
