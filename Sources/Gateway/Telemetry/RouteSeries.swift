import Wire

/// What one worker has counted of one route.
final class RouteSeries: Sendable {
    /// The values of the label `method`: classes, because a client could otherwise make a series with each new word.
    enum MethodClass: Int, CaseIterable {
        case read, write, other

        init(_ method: Method) {
            switch method {
            case .get, .head, .options: self = .read
            case .post, .put, .patch, .delete: self = .write
            case .connect, .trace, .other: self = .other
            }
        }

        var label: String { String(describing: self) }
    }

    /// Whose the answer is.
    enum Source: Int, CaseIterable {
        case gateway, upstream
        /// The client got no whole answer.
        case nobody
    }

    /// By source, method class and `AnswerCode`.
    private let answers: [288 of Counter] = InlineArray { _ in Counter() }
    let duration = Latency()

    func count(status: Int, method: Method = .get, source: Source = .gateway, duration nanoseconds: UInt64) {
        answers[RouteSeries.place(source, MethodClass(method), AnswerCode.index(status))].add(1)
        duration.observe(nanoseconds)
    }

    /// - Parameter code: a place among `AnswerCode`'s labels.
    func answers(_ source: Source, _ method: MethodClass, _ code: Int) -> UInt64 { answers[RouteSeries.place(source, method, code)].value }

    private static func place(_ source: Source, _ method: MethodClass, _ code: Int) -> Int {
        (source.rawValue * MethodClass.allCases.count + method.rawValue) * AnswerCode.count + code
    }

    /// The label `outcome`: `passed`: the upstream's answer; `answered`, `refused`, `failed`: the gateway's own below 400, of 4xx, of
    /// 5xx; `broken`: the client got no whole answer.
    static func outcome(_ source: Source, code: Int) -> String {
        switch source {
        case .upstream: "passed"
        case .nobody: "broken"
        case .gateway:
            switch AnswerCode.label(code).utf8.first {
            case UInt8(ascii: "4"): "refused"
            case UInt8(ascii: "5"): "failed"
            case UInt8(ascii: "n"): "broken"
            default: "answered"
            }
        }
    }
}
