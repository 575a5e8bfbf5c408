/// The access log: one line for each exchange, in batches, by way of a `LineLog`.
package enum AccessLog {
    package enum Format: Sendable {
        case json, text
    }

    /// Octets of lines at which a worker hands them over before its next tick.
    static let batch = 32_768
    /// Room for the line that fills a batch; a longer one makes the batch grow.
    static let slack = 4_096
}
