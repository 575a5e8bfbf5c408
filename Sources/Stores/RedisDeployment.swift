/// How the Redis servers that keep our sessions work together.
package enum RedisDeployment: Sendable {
    case server(RedisLocation)
    /// A master and its replicas, under the eyes of sentinels, which make a replica the master when it fails.
    case sentinel(RedisSentinels)
    /// Several masters, each with a share of the keys. These are asked for all of them; one that answers is enough.
    case cluster([RedisEndpoint], RedisLogin)
}

/// Sentinels, and what to ask them for.
package struct RedisSentinels: Sendable, CustomStringConvertible {
    /// Asked in turn; at least one.
    package var endpoints: [RedisEndpoint]
    /// Who we are to them, which need not be who we are to the servers that they watch.
    package var login: RedisLogin
    /// What they call the master.
    package var service: String
    /// Who we are to the master.
    package var masterLogin: RedisLogin

    package init(endpoints: [RedisEndpoint], login: RedisLogin, service: String, masterLogin: RedisLogin) {
        self.endpoints = endpoints
        self.login = login
        self.service = service
        self.masterLogin = masterLogin
    }

    /// For logs.
    package var description: String {
        let hosts = endpoints.map(\.description).joined(separator: ",")
        return "\(login.tls == nil ? "redis" : "rediss")+sentinel://\(hosts)/\(service)"
    }
}
