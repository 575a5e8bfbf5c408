import Loop
import Wire

extension TelemetryHub {
    /// All counts, in Prometheus' text format. Series that have counted nothing yet are left out where there may be many.
    package func metrics() -> [UInt8] {
        let text = MetricsText()
        appendRequests(to: text)
        appendDurations(to: text)
        appendOutcomes(to: text)
        appendClients(to: text)
        appendUpstreams(to: text)
        appendStores(to: text)
        appendHashing(to: text)
        appendReloads(to: text)
        appendProcess(to: text)
        return text.out.array(ByteRange(offset: 0, count: text.out.count))
    }

    func sum(_ value: (WorkerMetrics) -> UInt64) -> UInt64 {
        workers.reduce(0) { $0 &+ value($1) }
    }

    // MARK: Requests

    private func appendRequests(to text: MetricsText) {
        let name = "gatehouse_requests_total"
        text.family(
            name, .counter, "Exchanges, by route, by the status that the client got, by the method's class, and by whose the answer was.")
        for series in series {
            for source in RouteSeries.Source.allCases {
                for method in RouteSeries.MethodClass.allCases {
                    for code in 0..<AnswerCode.count {
                        let count = series.sum { $0.answers(source, method, code) }
                        if count == 0 { continue }
                        text.sample(
                            name,
                            [
                                ("route", series.name), ("code", AnswerCode.label(code)), ("method", method.label),
                                ("outcome", RouteSeries.outcome(source, code: code)),
                            ], count)
                    }
                }
            }
        }
    }

    private func appendDurations(to text: MetricsText) {
        let name = "gatehouse_request_duration_seconds"
        text.family(name, .histogram, "Time from the complete request head to the end of the exchange, by route.")
        for series in series { text.histogram(name, [("route", series.name)], series.workers) { $0.duration.reading } }
    }

    private func appendOutcomes(to text: MetricsText) {
        text.family("gatehouse_sign_ins_total", .counter, "Attempts to sign in, by how they ended.")
        for outcome in AttemptOutcome.allCases {
            text.sample("gatehouse_sign_ins_total", [("outcome", outcome.label)], sum { $0.signIns[outcome.rawValue].value })
        }
        text.family("gatehouse_checks_total", .counter, "Checks of who asks, by what they showed and by how the check ended.")
        for outcome in CheckOutcome.allCases {
            text.sample(
                "gatehouse_checks_total", [("kind", outcome.kind), ("outcome", outcome.label)],
                sum { $0.checks[outcome.rawValue].value })
        }
        let name = "gatehouse_cache_lookups_total"
        text.family(name, .counter, "Credentials looked for among those that were checked before, by what was found.")
        text.sample(name, [("cache", "tokens"), ("result", "hit")], sum { $0.tokenHits.value })
        text.sample(name, [("cache", "tokens"), ("result", "miss")], sum { $0.tokenMisses.value })
        text.sample(name, [("cache", "sessions"), ("result", "hit")], sum { $0.sessionHits.value })
        text.sample(name, [("cache", "sessions"), ("result", "miss")], sum { $0.sessionMisses.value })
    }

    // MARK: Clients

    private func appendClients(to text: MetricsText) {
        text.family("gatehouse_connections", .gauge, "Client connections that are open.")
        text.sample("gatehouse_connections", [], UInt64(clamping: connections.total))
        let figures = connections.figures
        text.family("gatehouse_connections_accepted_total", .counter, "Client connections that were taken.")
        text.sample("gatehouse_connections_accepted_total", [], figures.accepted)
        let refused = "gatehouse_connections_refused_total"
        text.family(refused, .counter, "Client connections that were turned away, by the limit that was reached.")
        text.sample(refused, [("reason", "too_many")], figures.refusedAsTooMany)
        text.sample(refused, [("reason", "too_many_from_address")], figures.refusedPerAddress)
        let timeouts = "gatehouse_client_timeouts_total"
        text.family(timeouts, .counter, "Clients that took too long: to send a head, to send its content, or to take the response.")
        for timeout in ClientTimeout.allCases {
            text.sample(timeouts, [("kind", timeout.label)], sum { $0.timeouts[timeout.rawValue].value })
        }
        text.family("gatehouse_content_received_bytes_total", .counter, "Content of requests, without heads and framing.")
        text.sample("gatehouse_content_received_bytes_total", [], sum { $0.contentReceived.value })
        text.family("gatehouse_content_sent_bytes_total", .counter, "Content of responses, without heads and framing.")
        text.sample("gatehouse_content_sent_bytes_total", [], sum { $0.contentSent.value })
    }

    // MARK: The process

    private func appendReloads(to text: MetricsText) {
        let name = "gatehouse_reloads_total"
        text.family(name, .counter, "Times that new settings were read while running, by what came of it.")
        text.sample(name, [("result", "ok")], reloads.ok)
        text.sample(name, [("result", "refused")], reloads.refused)
        let last = "gatehouse_config_last_reload_success_timestamp_seconds"
        text.family(last, .gauge, "When the settings that hold were taken, in seconds since 1970.")
        text.sample(last, [], UInt64(clamping: reloads.lastSuccessAt / 1_000))
    }

    private func appendProcess(to text: MetricsText) {
        text.family("gatehouse_access_log_dropped_total", .counter, "Access log lines that could not be written.")
        text.sample("gatehouse_access_log_dropped_total", [], log?.dropped(.access) ?? 0)
        text.family("gatehouse_audit_log_dropped_total", .counter, "Audit log lines that could not be written.")
        text.sample("gatehouse_audit_log_dropped_total", [], audit?.dropped ?? 0)
        text.family("gatehouse_build_info", .gauge, "Always 1; the label says which version this is.")
        text.sample("gatehouse_build_info", [("version", version)], 1)
        let figures = ProcessFigures()
        text.family("process_cpu_seconds_total", .counter, "Processor time of the process, user and system.")
        text.sample("process_cpu_seconds_total", [], seconds: figures.processorTime)
        text.family("process_resident_memory_bytes", .gauge, "Memory of the process that is in use.")
        text.sample("process_resident_memory_bytes", [], figures.residentMemory)
        text.family("process_open_fds", .gauge, "File descriptors that are open.")
        text.sample("process_open_fds", [], figures.openFiles)
        text.family("process_max_fds", .gauge, "File descriptors that may be open.")
        text.sample("process_max_fds", [], figures.maxFiles)
        text.family("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
        text.sample("process_start_time_seconds", [], UInt64(clamping: startedAt))
    }
}
