import Glibc

extension OpenFiles {
    /// How many of the files that this process may open client connections can be. The rest is for upstreams, stores and the admin
    /// listener: with none left, those who are already connected would get 502, and whoever looks after the gateway no answer.
    static var forClients: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, let files = Int(exactly: limit.rlim_cur)
        else { return .max }
        return max(1, files - max(64, files / 8))
    }
}
