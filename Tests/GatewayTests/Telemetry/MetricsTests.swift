import Access
import Loop
import Synchronization
import Testing
import Wire

@testable import Gateway

/// One sample: its name with its labels, and its value.
private struct Sample: Equatable {
    let name: String
    let value: Double
}

/// Reads the text format as strictly as it is specified: a family is announced before its samples, which stand together.
private func parse(_ text: String) throws -> [String: Double] {
    var samples: [String: Double] = [:]
    var announced: Set<String> = []
    var family = ""
    #expect(text.hasSuffix("\n"))
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
        if line.hasPrefix("# ") {
            let words = line.split(separator: " ", maxSplits: 3)
            try #require(words.count == 4)
            if words[1] == "HELP" {
                family = String(words[2])
                #expect(announced.insert(family).inserted, "\(family) is announced twice")
            } else {
                #expect(words[1] == "TYPE" && words[2] == family && ["counter", "gauge", "histogram"].contains(String(words[3])))
            }
            continue
        }
        let space = try #require(line.lastIndex(of: " "))
        let name = String(line[..<space])
        let base = name.prefix { $0 != "{" }
        #expect(base == family || ["_bucket", "_sum", "_count"].contains { base == family + $0 }, "\(name) is in \(family)")
        let value = try #require(Double(line[line.index(after: space)...]))
        #expect(samples.updateValue(value, forKey: name) == nil, "\(name) is there twice")
    }
    return samples
}

private func table(_ paths: [(host: String?, path: String)]) throws -> RouteTable {
    RouteTable(
        routes: try paths.enumerated().map { index, route in
            try Route(index: index, host: route.host.map { Array($0.utf8) }, path: Array(route.path.utf8), upstream: "u")
        })
}

private func hub(workers: Int = 1) -> TelemetryHub {
    TelemetryHub(workers: workers, log: nil, connections: ConnectionCount(), version: "1.2.3 \"x\\\n")
}

private func scrape(_ hub: TelemetryHub) throws -> [String: Double] {
    try parse(String(decoding: hub.metrics(), as: UTF8.self))
}

@Suite("Metrics")
struct MetricsTests {
    @Test("What the workers count is summed, by route and code")
    func requests() throws {
        let hub = hub(workers: 2)
        let series = hub.labels(of: try table([(nil, "/a"), ("b.example", "/"), (nil, "/quote\"")])).series
        series[0].workers[0].count(status: 200, duration: 1)
        series[0].workers[1].count(status: 200, duration: 1)
        series[1].workers[1].count(status: 418, duration: 1)
        series[2].workers[1].count(status: 503, duration: 1)
        series[3].workers[0].count(status: 0, duration: 1)
        let samples = try scrape(hub)
        #expect(samples[#"gatehouse_requests_total{route="/a",code="200",method="read",outcome="answered"}"#] == 2)
        #expect(samples[#"gatehouse_requests_total{route="b.example/",code="4xx",method="read",outcome="refused"}"#] == 1)
        #expect(samples[#"gatehouse_requests_total{route="/quote\"",code="503",method="read",outcome="failed"}"#] == 1)
        #expect(samples[#"gatehouse_requests_total{route="-",code="none",method="read",outcome="broken"}"#] == 1)
        #expect(samples.keys.count { $0.hasPrefix("gatehouse_requests_total") } == 4)
    }

    @Test("A request is told by its method's class and by whose the answer was")
    func labels() throws {
        let hub = hub()
        let series = hub.labels(of: try table([(nil, "/a")])).series[0].workers[0]
        series.count(status: 200, method: .head, source: .upstream, duration: 1)
        series.count(status: 503, method: .patch, source: .upstream, duration: 1)
        series.count(status: 503, method: .delete, source: .gateway, duration: 1)
        series.count(status: 200, method: .other, source: .nobody, duration: 1)
        series.count(status: 303, method: .options, source: .gateway, duration: 1)
        let samples = try scrape(hub).filter { $0.key.hasPrefix("gatehouse_requests_total") }
        #expect(
            Set(samples.keys)
                == Set(
                    [
                        #"code="200",method="read",outcome="passed""#, #"code="503",method="write",outcome="passed""#,
                        #"code="503",method="write",outcome="failed""#, #"code="200",method="other",outcome="broken""#,
                        #"code="303",method="read",outcome="answered""#,
                    ].map { #"gatehouse_requests_total{route="/a",\#($0)}"# }))
    }

    @Test("An upstream's counts go on by its name, and its servers are those of the settings that hold")
    func upstreams() throws {
        let hub = hub(workers: 2)
        func upstream(_ hosts: String...) -> [GatewayConfiguration.Upstream] {
            [.init(name: "u", servers: hosts.map { .init(host: $0, port: 80) })]
        }
        let before = hub.labels(of: try table([]), upstreams: upstream("a", "b")).upstreams[0]
        before.series.workers[0].count(.timeout)
        before.series.workers[1].latency.observe(2_000_000)
        before.servers[1].isFailing(true)
        before.series.workers[0].open.add(3)
        before.series.workers[0].idle.add(2)
        before.series.workers[0].idle.add(.max)
        let after = hub.labels(of: try table([]), upstreams: upstream("b", "c")).upstreams[0]
        after.series.workers[1].count(.timeout)
        let samples = try scrape(hub)
        #expect(samples[#"gatehouse_upstream_errors_total{upstream="u",kind="timeout"}"#] == 2)
        #expect(samples[#"gatehouse_upstream_duration_seconds_count{upstream="u"}"#] == 1)
        #expect(samples[#"gatehouse_upstream_connections{upstream="u",state="in_use"}"#] == 2)
        #expect(samples[#"gatehouse_upstream_connections{upstream="u",state="idle"}"#] == 1)
        #expect(
            samples.filter { $0.key.hasPrefix("gatehouse_upstream_server_up") } == [
                #"gatehouse_upstream_server_up{upstream="u",server="b:80"}"#: 0,
                #"gatehouse_upstream_server_up{upstream="u",server="c:80"}"#: 1,
            ])
    }

    @Test("A store's operations are timed, its faults counted by kind, and it is up again as soon as it answers")
    func stores() async throws {
        let hub = hub(workers: 2)
        let series = hub.workers[1].stores[StoreName.sessions.rawValue]
        func up() throws -> Double? { try scrape(hub)[#"gatehouse_store_up{store="sessions"}"#] }
        #expect(try await series.measure(.read) { () async throws(StoreError) in 7 } == 7)
        #expect(try up() == 1)
        await #expect(throws: StoreError.unavailable("x")) {
            try await series.measure(.write) { () async throws(StoreError) in throw .unavailable("x") }
        }
        #expect(try up() == 0)
        await #expect(throws: StoreError.corrupt("x")) {
            try await series.measure(.write) { () async throws(StoreError) in throw .corrupt("x") }
        }
        #expect(try up() == 1)
        let samples = try scrape(hub)
        #expect(samples[#"gatehouse_store_duration_seconds_count{store="sessions",operation="read"}"#] == 1)
        #expect(samples[#"gatehouse_store_duration_seconds_count{store="sessions",operation="write"}"#] == 2)
        #expect(samples[#"gatehouse_store_errors_total{store="sessions",kind="unavailable"}"#] == 1)
        #expect(samples[#"gatehouse_store_errors_total{store="sessions",kind="corrupt"}"#] == 1)
        #expect(samples[#"gatehouse_store_up{store="users"}"#] == 1)
    }

    @Test("The process's own figures are there")
    func process() throws {
        let samples = try scrape(hub())
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"] {
            #expect(try #require(samples[name]) > 0, "\(name)")
        }
    }

    @Test("Routes of one name are one series: the format allows no name twice")
    func sameName() throws {
        let hub = hub()
        let series = hub.labels(of: try table([(nil, "/a"), (nil, "/a"), (nil, "/b")])).series
        #expect(series[0] === series[1] && series[1] !== series[2])
        #expect(series.last === hub.seriesOfNone)
    }

    @Test("Counts go on by the route's name when the routes change, and those of a route that is gone stay")
    func change() throws {
        let hub = hub()
        let before = hub.labels(of: try table([(nil, "/a"), (nil, "/b")])).series
        before[0].workers[0].count(status: 200, duration: 1)
        before[1].workers[0].count(status: 200, duration: 1)
        let after = hub.labels(of: try table([(nil, "/c"), (nil, "/b")])).series
        after[0].workers[0].count(status: 200, duration: 1)
        after[1].workers[0].count(status: 200, duration: 1)
        let samples = try scrape(hub)
        #expect(samples[#"gatehouse_requests_total{route="/a",code="200",method="read",outcome="answered"}"#] == 1)
        #expect(samples[#"gatehouse_requests_total{route="/b",code="200",method="read",outcome="answered"}"#] == 2)
        #expect(samples[#"gatehouse_requests_total{route="/c",code="200",method="read",outcome="answered"}"#] == 1)
    }

    @Test("Reloads are counted by what came of them, and the last success has its time")
    func reloads() throws {
        let hub = hub()
        hub.reloads.refuse()
        hub.reloads.succeed()
        hub.reloads.succeed()
        let samples = try scrape(hub)
        #expect(samples[#"gatehouse_reloads_total{result="ok"}"#] == 2)
        #expect(samples[#"gatehouse_reloads_total{result="refused"}"#] == 1)
        let last = try #require(samples["gatehouse_config_last_reload_success_timestamp_seconds"])
        #expect(abs(last - Double(Clock.wall()) / 1_000) < 5)
    }

    @Test("An upstream's statuses cannot make series without end")
    func bounded() throws {
        let hub = hub()
        let series = hub.labels(of: try table([(nil, "/a")])).series
        for status in -1...1_000 { series[0].workers[0].count(status: status, duration: 0) }
        let codes = try scrape(hub).filter { $0.key.hasPrefix("gatehouse_requests_total") }
        #expect(codes.count == AnswerCode.count)
        #expect(codes.values.reduce(0, +) == 1_002)
        #expect(codes[#"gatehouse_requests_total{route="/a",code="none",method="read",outcome="broken"}"#] == 502)
        #expect(Set((0..<AnswerCode.count).map(AnswerCode.label)).count == AnswerCode.count)
    }

    @Test(
        "A duration falls into each bucket from its own on",
        arguments: [
            (0, "0.0005"), (500_000, "0.0005"), (500_001, "0.001"), (1_000_000, "0.001"), (99_999_999, "0.1"),
            (10_000_000_000, "10"), (10_000_000_001, "+Inf"), (UInt64.max, "+Inf"),
        ] as [(UInt64, String)])
    func histogram(duration: UInt64, first: String) throws {
        let hub = hub()
        hub.labels(of: try table([(nil, "/a")])).series[0].workers[0].count(status: 200, duration: duration)
        let samples = try scrape(hub)
        var expected = 0.0
        for bound in Latency.boundLabels {
            if bound == first { expected = 1 }
            #expect(samples["gatehouse_request_duration_seconds_bucket{route=\"/a\",le=\"\(bound)\"}"] == expected)
        }
        #expect(samples[#"gatehouse_request_duration_seconds_count{route="/a"}"#] == 1)
        #expect(samples[#"gatehouse_request_duration_seconds_sum{route="/a"}"#] == Double(duration) / 1e9)
    }

    @Test("A duration's bucket is the first one that it fits into")
    func buckets() {
        var durations = Latency.bounds.flatMap { [$0 - 1, $0, $0 + 1] } + [0, .max]
        for bit in 0..<64 { durations += [1 << UInt64(bit), 1 << UInt64(bit) - 1] }
        for duration in durations {
            let first = Latency.bounds.firstIndex { duration <= $0 } ?? Latency.bounds.count
            #expect(Latency.bucket(duration) == first, "\(duration)")
        }
    }

    @Test("The bounds and their spellings agree")
    func bounds() {
        #expect(Latency.bounds.map { Double($0) / 1e9 } == Latency.boundLabels.dropLast().compactMap { Double($0) })
        #expect(Latency.bounds.count + 1 == Latency.boundLabels.count)
    }

    @Test("Every family is there from the start, with its labels escaped")
    func families() throws {
        let samples = try scrape(hub())
        for name in ["gatehouse_connections", "gatehouse_hash_queue_depth", "gatehouse_access_log_dropped_total"] {
            #expect(samples[name] == 0)
        }
        for outcome in ["accepted", "refused", "throttled", "invalid", "unavailable"] {
            #expect(samples["gatehouse_sign_ins_total{outcome=\"\(outcome)\"}"] == 0)
        }
        #expect(samples.keys.count { $0.hasPrefix("gatehouse_checks_total{kind=") } == 6)
        #expect(samples[#"gatehouse_build_info{version="1.2.3 \"x\\\n"}"#] == 1)
        let start = try #require(samples["process_start_time_seconds"])
        #expect(abs(start - Double(Clock.wall()) / 1_000) < 5)
    }

    @Test(
        "How an attempt to sign in ended",
        arguments: [
            (200, .accepted), (303, .accepted), (204, .accepted), (401, .refused), (429, .throttled), (503, .unavailable),
            (500, .unavailable), (400, .invalid), (403, .invalid), (413, .invalid), (415, .invalid), (0, .invalid),
        ] as [(Int, AttemptOutcome)])
    func signIns(status: Int, outcome: AttemptOutcome) {
        #expect(AttemptOutcome(status: status) == outcome)
    }
}
