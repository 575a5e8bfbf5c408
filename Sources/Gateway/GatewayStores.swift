package import Access
package import Loop

/// One worker's hands on the stores. The objects belong to the worker that they were made on.
package struct GatewayStores {
    package let sessions: any SessionStore
    package let users: any UserStore
    package let throttle: any ThrottleStore
    /// Where password hashes are computed; shared by all workers.
    package let hashing: BlockingPool
    /// Where names are looked up; shared by all workers.
    package let lookups: BlockingPool

    package init(
        sessions: any SessionStore, users: any UserStore, throttle: any ThrottleStore, hashing: BlockingPool,
        lookups: BlockingPool
    ) {
        self.sessions = sessions
        self.users = users
        self.throttle = throttle
        self.hashing = hashing
        self.lookups = lookups
    }

    /// The same, with every operation counted and timed.
    func measured(by metrics: WorkerMetrics) -> GatewayStores {
        GatewayStores(
            sessions: MeasuredSessions(sessions, metrics.stores[StoreName.sessions.rawValue]),
            users: MeasuredUsers(users, metrics.stores[StoreName.users.rawValue]),
            throttle: MeasuredThrottle(throttle, metrics.stores[StoreName.throttle.rawValue]), hashing: hashing, lookups: lookups)
    }
}
