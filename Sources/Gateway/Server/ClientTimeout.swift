/// What a client was too slow with; the values of the label `kind`.
enum ClientTimeout: Int, CaseIterable {
    /// Sending a head or its content, or taking the response.
    case head, body, write

    var label: String { String(describing: self) }
}
