import Wire

/// The admin listener on one worker: whether the process lives, whether it is ready, and its counts. For operators and
/// their machines only, so it listens at an address of its own.
package final class AdminHandler: Handler {
    package let readiness: Readiness
    private let hub: TelemetryHub

    package init(readiness: Readiness, hub: TelemetryHub) {
        self.readiness = readiness
        self.hub = hub
    }

    package func handle(_ exchange: Exchange) async {
        guard let answer = await answer(to: exchange) else {
            return await exchange.answer(Problem(404, "Here are /livez, /readyz and /metrics.").answer(for: exchange))
        }
        await exchange.answer(answer)
    }

    /// Nothing: a probe every few seconds would bury the log that it is to watch over.
    package func record(_ exchange: Exchange) {}

    package func tick() {}

    private func answer(to exchange: Exchange) async -> Answer? {
        let head = exchange.head
        let bytes = head.bytes
        let isLive = bytes.equals(head.path, "/livez")
        let isReady = bytes.equals(head.path, "/readyz")
        guard isLive || isReady || bytes.equals(head.path, "/metrics") else { return nil }
        guard head.method == .get || head.method == .head else {
            return Problem(405, "Only GET and HEAD are allowed here.").answer(for: exchange).adding("Allow", "GET, HEAD")
        }
        if isLive { return Answer(status: 200, contentType: "text/plain; charset=utf-8", body: Array("ok\n".utf8)) }
        if isReady { return AdminHandler.answer(await readiness.parts(exchange.waiter)) }
        return Answer(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: hub.metrics())
    }

    /// `{"ready":false,"server":"ok","sessions":"unavailable: …","users":"ok"}`; 503 unless every part is well.
    static func answer(_ parts: [Readiness.Part]) -> Answer {
        let isReady = parts.allSatisfy { $0.fault == nil }
        let out = Buffer()
        out.append("{\"ready\":")
        out.append(isReady ? "true" : "false")
        for part in parts {
            out.append(",\"")
            out.append(part.name)
            out.append("\":")
            JSONWriter.appendString(Array((part.fault ?? "ok").utf8), to: out)
        }
        out.append("}\n")
        let answer = Answer(
            status: isReady ? 200 : 503, contentType: "application/json",
            body: out.array(ByteRange(offset: 0, count: out.count)))
        return isReady ? answer : answer.adding("Retry-After", "1")
    }
}
