/// One worker's counts: raised by its thread alone, read by whoever scrapes. What is counted by route stands in `NamedSeries`, and
/// by upstream in `UpstreamSeries`.
final class WorkerMetrics: Sendable {
    let signIns: [5 of Counter] = InlineArray { _ in Counter() }
    let checks: [6 of Counter] = InlineArray { _ in Counter() }
    /// Looks for a token among those that have been verified.
    let tokenHits = Counter()
    let tokenMisses = Counter()
    /// Looks for a session among those that the store would tell of.
    let sessionHits = Counter()
    let sessionMisses = Counter()
    /// By `StoreName`.
    let stores: [StoreSeries]
    /// Password hashes, without the wait for a thread.
    let hashing = Latency()
    /// By `ClientTimeout`.
    let timeouts: [3 of Counter] = InlineArray { _ in Counter() }
    /// Octets of content.
    let contentReceived = Counter()
    let contentSent = Counter()

    /// - Parameter health: by `StoreName`.
    init(health: [StoreHealth]) {
        stores = health.map { StoreSeries(health: $0) }
    }
}
