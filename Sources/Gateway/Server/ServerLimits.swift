package import Wire

/// How much of one client, and of all, a listener takes. Each has a status of its own when it is passed.
package struct ServerLimits: Sendable {
    /// 414 and 431.
    package var head = HeadLimits()
    package var body = BodyLimits()
    /// Octets of a request's content where a route says nothing else: 413.
    package var maxBody: UInt64 = 1 << 30
    /// Over all workers: one more client is answered 503 and closed.
    package var connections = 20_000
    /// Of one IPv4 address or IPv6 /64, over all workers: one more is answered 429 and closed.
    package var connectionsPerAddress = 1_000
    /// Addresses that this limit leaves out: proxies of our own, behind which everybody has one address.
    package var sharedAddresses: [CIDR] = []
    /// The answer to the last one carries `Connection: close`.
    package var requestsPerConnection = 100_000

    package init() {}
}

/// How long a listener waits. All are milliseconds.
package struct ServerTimeouts: Sendable {
    /// From the first octet of a head to its last: 408.
    package var head: Int64 = 10_000
    /// Between requests: the connection is closed.
    package var idle: Int64 = 60_000
    /// For the content, together with `minimumRate`: 408.
    package var body: Int64 = 30_000
    /// For the client to take what it is sent, together with `minimumRate`: the connection is closed.
    package var write: Int64 = 30_000
    /// Octets a second below which a body, in either direction, uses up its time-out however steadily it drips.
    package var minimumRate: UInt64 = 500
    /// For what is in flight when the process is told to stop, or a listener goes.
    package var drain: Int64 = 30_000
    /// Then, for the next request on a connection that is kept alive; its answer carries `Connection: close`. A client that is
    /// about to send it would lose it if the connection were closed at once.
    package var drainIdle: Int64 = 5_000

    package init() {}
}
