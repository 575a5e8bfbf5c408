import Loop
import Wire

extension TelemetryHub {
    /// All counts, in Prometheus' text format. Series that have counted nothing yet are left out where there may be many.
    package func metrics() -> [UInt8] {
        let text = MetricsText()
        appendRequests(to: text)
        appendDurations(to: text)
        appendOutcomes(to: text)
        appendReloads(to: text)
        appendProcess(to: text)
        return text.out.array(ByteRange(offset: 0, count: text.out.count))
    }

    private func appendRequests(to text: MetricsText) {
        text.family("gatehouse_requests_total", .counter, "Exchanges, by route and by the status that the client got.")
        for series in series {
            for code in 0..<AnswerCode.count {
                let count = series.sum { $0.answers[code].value }
                if count == 0 { continue }
                text.sample(
                    "gatehouse_requests_total", [("route", series.name), ("code", Array(AnswerCode.label(code).utf8))], count)
            }
        }
    }

    private func appendDurations(to text: MetricsText) {
        let name = "gatehouse_request_duration_seconds"
        text.family(name, .histogram, "Time from the complete request head to the end of the exchange.")
        for series in series {
            // Read once, so that the buckets and the count agree.
            let counts = RouteSeries.boundLabels.indices.map { bucket in series.sum { $0.buckets[bucket].value } }
            let total = counts.reduce(0, &+)
            if total == 0 { continue }
            var below: UInt64 = 0
            for (bound, count) in zip(RouteSeries.boundLabels, counts) {
                below &+= count
                text.sample(name + "_bucket", [("route", series.name), ("le", Array(bound.utf8))], below)
            }
            text.sample(name + "_sum", [("route", series.name)], seconds: series.sum { $0.duration.value })
            text.sample(name + "_count", [("route", series.name)], total)
        }
    }

    private func appendOutcomes(to text: MetricsText) {
        text.family("gatehouse_sign_ins_total", .counter, "Attempts to sign in, by how they ended.")
        for outcome in AttemptOutcome.allCases {
            let count = sum { $0.signIns[outcome.rawValue].value }
            text.sample("gatehouse_sign_ins_total", [("outcome", Array(outcome.label.utf8))], count)
        }
        text.family("gatehouse_checks_total", .counter, "Checks of who asks, by what they showed and by how the check ended.")
        for outcome in CheckOutcome.allCases {
            text.sample(
                "gatehouse_checks_total", [("kind", Array(outcome.kind.utf8)), ("outcome", Array(outcome.label.utf8))],
                sum { $0.checks[outcome.rawValue].value })
        }
    }

    private func appendReloads(to text: MetricsText) {
        let name = "gatehouse_reloads_total"
        text.family(name, .counter, "Times that new settings were read while running, by what came of it.")
        text.sample(name, [("result", Array("ok".utf8))], reloads.ok)
        text.sample(name, [("result", Array("refused".utf8))], reloads.refused)
        let last = "gatehouse_config_last_reload_success_timestamp_seconds"
        text.family(last, .gauge, "When the settings that hold were taken, in seconds since 1970.")
        text.sample(last, [], UInt64(clamping: reloads.lastSuccessAt / 1_000))
    }

    private func appendProcess(to text: MetricsText) {
        text.family("gatehouse_connections", .gauge, "Client connections that are open.")
        text.sample("gatehouse_connections", [], UInt64(clamping: connections.total))
        text.family("gatehouse_hash_queue_depth", .gauge, "Password hashes that wait for a thread.")
        text.sample("gatehouse_hash_queue_depth", [], UInt64(clamping: hashing?.depth ?? 0))
        text.family("gatehouse_access_log_dropped_total", .counter, "Access log lines that could not be written.")
        text.sample("gatehouse_access_log_dropped_total", [], log?.dropped(.access) ?? 0)
        text.family("gatehouse_audit_log_dropped_total", .counter, "Audit log lines that could not be written.")
        text.sample("gatehouse_audit_log_dropped_total", [], audit?.dropped ?? 0)
        text.family("gatehouse_build_info", .gauge, "Always 1; the label says which version this is.")
        text.sample("gatehouse_build_info", [("version", Array(version.utf8))], 1)
        text.family("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
        text.sample("process_start_time_seconds", [], UInt64(clamping: startedAt))
    }

    private func sum(_ value: (WorkerMetrics) -> UInt64) -> UInt64 {
        workers.reduce(0) { $0 &+ value($1) }
    }
}
