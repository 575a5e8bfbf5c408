extension Latency {
    /// A copy of the counts; read once, so that the buckets and their sum agree.
    struct Reading {
        var counts = [UInt64](repeating: 0, count: Latency.boundLabels.count)
        var sum: UInt64 = 0

        static func + (left: Reading, right: Reading) -> Reading {
            Reading(counts: zip(left.counts, right.counts).map { $0 &+ $1 }, sum: left.sum &+ right.sum)
        }
    }

    var reading: Reading {
        Reading(counts: Latency.boundLabels.indices.map { buckets[$0].value }, sum: sum.value)
    }
}

extension MetricsText {
    /// The samples of one histogram over all workers; none where nothing has been observed.
    func histogram<Worker>(_ name: String, _ labels: [Label], _ workers: [Worker], _ reading: (Worker) -> Latency.Reading) {
        let total = workers.reduce(Latency.Reading()) { $0 + reading($1) }
        var below: UInt64 = 0
        guard total.counts.contains(where: { $0 > 0 }) else { return }
        for (bound, count) in zip(Latency.boundLabels, total.counts) {
            below &+= count
            sample(name + "_bucket", labels + [("le", bound)], below)
        }
        sample(name + "_sum", labels, seconds: total.sum)
        sample(name + "_count", labels, below)
    }
}
