import Testing
import Wire

@testable import Gateway

extension Exchange {
    /// Makes `request` this exchange's, as if it had just arrived.
    func parse(_ request: String) throws {
        var parser = RequestParser(limits: limits.head)
        client.input.append(text: request)
        try #require(try parser.parse(client.input, into: head))
        begin(mayKeepAlive: true)
    }
}
