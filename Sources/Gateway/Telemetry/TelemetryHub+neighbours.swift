import Loop

/// What the gateway leans on: upstreams, stores, and the threads that hash passwords.
extension TelemetryHub {
    func appendUpstreams(to text: MetricsText) {
        let upstreams = upstreams
        let latency = "gatehouse_upstream_duration_seconds"
        text.family(latency, .histogram, "Time from the request's way to an upstream until the head of its response, by upstream.")
        for upstream in upstreams { text.histogram(latency, [("upstream", upstream.name)], upstream.workers) { $0.latency.reading } }
        let errors = "gatehouse_upstream_errors_total"
        text.family(
            errors, .counter, "Faults of an upstream's, by kind; a request that the next server answers counts each server that failed.")
        for upstream in upstreams {
            for fault in UpstreamCounts.Fault.allCases {
                text.sample(
                    errors, [("upstream", upstream.name), ("kind", fault.label)], upstream.sum { $0.faults[fault.rawValue].value })
            }
        }
        let connections = "gatehouse_upstream_connections"
        text.family(connections, .gauge, "Connections to an upstream, in use (or being made) and idle.")
        for upstream in upstreams {
            let idle = upstream.sum { $0.idle.value }
            let open = upstream.sum { $0.open.value }
            // The two are read one after the other, so for a moment fewer may seem open than idle.
            text.sample(connections, [("upstream", upstream.name), ("state", "in_use")], open > idle ? open &- idle : 0)
            text.sample(connections, [("upstream", upstream.name), ("state", "idle")], idle)
        }
        let up = "gatehouse_upstream_server_up"
        text.family(up, .gauge, "Whether the last attempt to connect to a server succeeded; 1 before the first.")
        for upstream in upstreams {
            for server in upstream.servers {
                text.sample(up, [("upstream", upstream.name), ("server", server.address)], server.isFailing ? 0 : 1)
            }
        }
    }

    func appendStores(to text: MetricsText) {
        let latency = "gatehouse_store_duration_seconds"
        text.family(latency, .histogram, "Time of an operation on a store: a look at one thing, a change of one, or of many at once.")
        for store in StoreName.allCases {
            for operation in StoreSeries.Operation.allCases {
                text.histogram(latency, [("store", store.label), ("operation", operation.label)], workers) {
                    $0.stores[store.rawValue].latency[operation.rawValue].reading
                }
            }
        }
        let errors = "gatehouse_store_errors_total"
        text.family(errors, .counter, "Operations on a store that failed: it did not answer, held what cannot be read, or had it already.")
        for store in StoreName.allCases {
            for fault in StoreSeries.Fault.allCases {
                text.sample(
                    errors, [("store", store.label), ("kind", fault.label)],
                    sum { $0.stores[store.rawValue].faults[fault.rawValue].value })
            }
        }
        text.family("gatehouse_store_up", .gauge, "Whether a store answered when it was last asked; 1 before the first time.")
        for store in StoreName.allCases {
            text.sample("gatehouse_store_up", [("store", store.label)], health[store.rawValue].isUp ? 1 : 0)
        }
    }

    func appendHashing(to text: MetricsText) {
        text.family("gatehouse_hash_duration_seconds", .histogram, "Time of one password hash, without the wait for a thread.")
        text.histogram("gatehouse_hash_duration_seconds", [], workers) { $0.hashing.reading }
        text.family("gatehouse_hash_queue_depth", .gauge, "Password hashes that wait for a thread.")
        text.sample("gatehouse_hash_queue_depth", [], UInt64(clamping: hashing?.depth ?? 0))
        text.family("gatehouse_hash_queue_limit", .gauge, "Password hashes that may wait for a thread.")
        text.sample("gatehouse_hash_queue_limit", [], UInt64(clamping: hashing?.queue ?? 0))
        text.family("gatehouse_hash_threads", .gauge, "Threads for password hashes.")
        text.sample("gatehouse_hash_threads", [], UInt64(clamping: hashing?.threads ?? 0))
        text.family("gatehouse_hash_threads_busy", .gauge, "Threads that compute a password hash.")
        text.sample("gatehouse_hash_threads_busy", [], UInt64(clamping: hashing?.busy ?? 0))
        text.family("gatehouse_hash_rejected_total", .counter, "Password hashes that found the queue full; each is a sign-in answered 503.")
        text.sample("gatehouse_hash_rejected_total", [], hashing?.rejected ?? 0)
    }
}
