package import Wire

/// What went wrong, for the client: RFC 9457's `application/problem+json`, or a page for somebody who navigates.
package struct Problem: Sendable, Equatable {
    package let status: Int
    /// One sentence: what, and what to do instead. Nothing in it comes from a secret or from another user.
    package let detail: String
    /// Seconds after which to try again.
    package var retryAfter: Int?
    /// For the log only.
    package var note: String?
    package var closes = false
    /// For 405: the methods that are allowed (RFC 9110 15.5.6).
    package var allowed: String?

    package init(_ status: Int, _ detail: String, retryAfter: Int? = nil, note: String? = nil, closes: Bool = false) {
        self.status = status
        self.detail = detail
        self.retryAfter = retryAfter
        self.note = note
        self.closes = closes
    }

    /// Rule 18: on anything malformed the connection closes after the answer.
    package init(malformed error: WireError) {
        self.init(error.status, error.description, closes: true)
    }

    static let headTooSlow = Problem(408, "The request's head took too long to arrive.", closes: true)

    package init(content error: ContentError, limit: UInt64) {
        switch error {
        case .tooLarge: self.init(413, "The content is larger than the \(limit) octets that are taken here.", closes: true)
        case .tooSlow: self.init(408, "The request's content took too long to arrive.", closes: true)
        case .clientGone: self.init(400, "The request broke off before its content was complete.", closes: true)
        case .malformed(let error): self.init(malformed: error)
        }
    }

    package func answer(for exchange: Exchange) -> Answer {
        var answer = exchange.isNavigation ? page(for: exchange) : json(for: exchange)
        if let allowed { answer = answer.adding("Allow", allowed) }
        if let retryAfter { answer = answer.adding("Retry-After", String(retryAfter)) }
        answer.closes = closes
        answer.note = note ?? detail
        return answer
    }

    private func json(for exchange: Exchange) -> Answer {
        let out = Buffer()
        out.append("{\"type\":\"about:blank\",\"title\":")
        JSONWriter.appendString(Array(StatusText.text(status).description.utf8), to: out)
        out.append(",\"status\":")
        out.append(decimal: UInt64(status))
        out.append(",\"detail\":")
        JSONWriter.appendString(Array(detail.utf8), to: out)
        out.append(",\"request_id\":\"")
        exchange.id.append(to: out)
        out.append("\"}\n")
        return Answer(
            status: status, contentType: "application/problem+json",
            body: out.array(ByteRange(offset: 0, count: out.count)))
    }

    private func page(for exchange: Exchange) -> Answer {
        Pages.problem(self, requestID: exchange.id.text)
    }
}
