import Access
import Loop

/// One request on its way to an upstream, and the response on its way back. A grant is good for one request, however often that has
/// to be sent.
struct Forwarding: ~Copyable {
    private let grant: Grant
    /// The upstream's place.
    let upstream: Int
    /// Octets of the request's content.
    let maxBody: UInt64
    /// The content had not all arrived when the request was to go on.
    let isUpload: Bool
    /// A bearer token is ours, and ends here.
    private let stripsBearer: Bool
    /// Over which the request goes; nil: none is leased.
    private(set) var connection: UpstreamConnection?
    private var relay: Relay
    /// How many connections the request has been sent over.
    private(set) var sendings = 0

    init(under grant: consuming Grant, to upstream: Int, maxBody: UInt64, isUpload: Bool, stripsBearer: Bool, relay: Relay) {
        self.grant = grant
        self.upstream = upstream
        self.maxBody = maxBody
        self.isUpload = isUpload
        self.stripsBearer = stripsBearer
        self.relay = relay
    }

    /// Writes the request's head for `connection`, over which it goes from now on.
    mutating func send(_ exchange: Exchange, over connection: consuming UpstreamConnection, _ headers: HeaderPolicy) {
        sendings += 1
        let server = connection.server
        exchange.upstream = server
        connection.serve(exchange.waiter)
        headers.writeRequest(
            exchange, as: grant.identity, stripsBearer: stripsBearer, server: server.authority, to: connection.transport.output)
        self.connection = connection
    }

    /// It is to be sent over another connection, from the beginning.
    mutating func startOver(_ relay: Relay) { self.relay = relay }

    /// Moves what can be moved now; nil: there is no connection.
    mutating func advance(_ exchange: Exchange, _ headers: HeaderPolicy) -> Relay.Next? {
        guard let connection else { return nil }
        return relay.advance(exchange, connection, headers)
    }

    /// Gives the connection back. `isReusable`: both messages are complete and it carries more.
    mutating func release(isReusable: Bool, at now: UInt64) {
        guard let connection = connection.take() else { return }
        connection.server.release(connection, isReusable: isReusable, at: now)
    }
}
