import Testing
import Wire

@testable import Gateway

@Suite("ConnectionCount")
struct ConnectionCountTests {
    private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(Array(text.utf8))) }

    private static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.connections = 4
        limits.connectionsPerAddress = 2
        return limits
    }

    @Test("Each address has its share, and all together have theirs; who leaves makes room")
    func limits() throws {
        let count = ConnectionCount()
        let (a, b, c) = (try Self.address("192.0.2.1"), try Self.address("192.0.2.2"), try Self.address("192.0.2.3"))
        #expect(
            [a, a, a, b, b, c].map { count.admit($0, Self.limits) } == [
                .admitted, .admitted, .tooManyFromAddress, .admitted, .admitted, .tooMany,
            ])
        #expect(count.total == 4)
        count.leave(a)
        #expect([c, a].map { count.admit($0, Self.limits) } == [.admitted, .tooMany])
        for address in [a, b, b, c] { count.leave(address) }
        #expect(count.total == 0)
        #expect([a, a, a].map { count.admit($0, Self.limits) } == [.admitted, .admitted, .tooManyFromAddress])
    }

    @Test("An address that many share has no share of its own, and still counts among all")
    func shared() throws {
        var limits = Self.limits
        limits.sharedAddresses = [try #require(CIDR(Array("192.0.2.0/31".utf8)))]
        let count = ConnectionCount()
        let (proxy, client) = (try Self.address("192.0.2.1"), try Self.address("192.0.2.2"))
        #expect(
            [proxy, proxy, proxy, client, proxy].map { count.admit($0, limits) } == [.admitted, .admitted, .admitted, .admitted, .tooMany])
        for address in [proxy, proxy, proxy, client] { count.leave(address) }
        #expect(count.total == 0)
    }

    @Test("An IPv6 /64 counts as one address, and an IPv4 address in IPv6 form as itself")
    func prefix() throws {
        let count = ConnectionCount()
        let texts = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:9::", "2001:db8:0:1::1"]
        #expect(
            try texts.map { count.admit(try Self.address($0), Self.limits) } == [.admitted, .admitted, .tooManyFromAddress, .admitted])
        let mapped = ConnectionCount()
        #expect(
            try ["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"].map {
                mapped.admit(try Self.address($0), Self.limits)
            }
                == [.admitted, .admitted, .tooManyFromAddress, .admitted])
    }
}
