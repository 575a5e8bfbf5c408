import Access
import Loop

/// One request on its way to an upstream, and the response on its way back. A grant is good for one request, however often that has
/// to be sent.
struct Forwarding: ~Copyable {
    private let grant: Grant
    let group: UpstreamGroup
    /// Octets of the request's content.
    private let maxBody: UInt64
    /// The content had not all arrived when the request was to go on.
    private let isUpload: Bool
    /// A bearer token is ours, and ends here.
    private let stripsBearer: Bool
    /// Over which the request goes; nil: none is leased.
    private(set) var connection: UpstreamConnection?
    private var relay: Relay
    /// How many connections the request has been sent over.
    private(set) var sendings = 0

    init(_ exchange: Exchange, under grant: consuming Grant, to group: UpstreamGroup, maxBody: UInt64, isUpload: Bool, stripsBearer: Bool) {
        self.grant = grant
        self.group = group
        self.maxBody = maxBody
        self.isUpload = isUpload
        self.stripsBearer = stripsBearer
        relay = Relay(exchange, of: group, maxBody: maxBody)
    }

    /// Writes the request's head for `connection`, over which it goes from now on.
    mutating func send(_ exchange: Exchange, over connection: UpstreamConnection, _ headers: HeaderPolicy) {
        if sendings > 0 { relay = Relay(exchange, of: group, maxBody: maxBody) }
        sendings += 1
        let server = connection.server.authority
        let transport = connection.transport
        exchange.upstream = server
        transport.socket.waiter = exchange.waiter
        headers.writeRequest(exchange, as: grant.identity, stripsBearer: stripsBearer, server: server, to: transport.output)
        self.connection = connection
    }

    /// Moves what can be moved now; nil: there is no connection.
    mutating func advance(_ exchange: Exchange, _ headers: HeaderPolicy) -> Relay.Next? {
        guard let connection else { return nil }
        return relay.advance(exchange, connection, headers)
    }

    /// Gives the connection back. `isReusable`: both messages are complete and it carries more.
    mutating func release(isReusable: Bool) {
        guard let connection else { return }
        group.release(connection, isReusable: isReusable)
        self.connection = nil
    }

    /// The request does not go on any more.
    func end(_ exchange: Exchange) {
        if isUpload { group.endUpload(from: exchange.clientAddress) }
    }
}
