import Synchronization
package import Wire

/// Client connections in all and per address, over all workers. Asked when a connection comes and goes, never per request.
package final class ConnectionCount: Sendable {
    package enum Verdict: Equatable, Sendable {
        case admitted, tooMany, tooManyFromAddress
    }

    private struct State {
        var total = 0
        var perAddress: [IPAddress: Int] = [:]
        var figures = Figures()
    }

    /// Since the process began.
    package struct Figures: Sendable {
        package internal(set) var accepted: UInt64 = 0
        package internal(set) var refusedAsTooMany: UInt64 = 0
        package internal(set) var refusedPerAddress: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var total: Int { state.withLock { $0.total } }
    package var figures: Figures { state.withLock { $0.figures } }

    /// Counts one more connection from `address`, unless a limit is reached.
    package func admit(_ address: IPAddress, _ limits: ServerLimits) -> Verdict {
        let isShared = limits.sharedAddresses.contains { $0.contains(address) }
        let key = ConnectionCount.group(address)
        return state.withLock { state in
            guard state.total < limits.connections else {
                state.figures.refusedAsTooMany &+= 1
                return .tooMany
            }
            guard !isShared else {
                state.figures.accepted &+= 1
                state.total += 1
                return .admitted
            }
            let count = state.perAddress[key, default: 0]
            guard count < limits.connectionsPerAddress else {
                state.figures.refusedPerAddress &+= 1
                return .tooManyFromAddress
            }
            state.figures.accepted &+= 1
            state.total += 1
            state.perAddress[key] = count + 1
            return .admitted
        }
    }

    /// An admitted connection has ended.
    package func leave(_ address: IPAddress) {
        let key = ConnectionCount.group(address)
        state.withLock { state in
            state.total -= 1
            guard let count = state.perAddress[key] else { return }
            state.perAddress[key] = count > 1 ? count - 1 : nil
        }
    }

    /// A client with IPv6 commonly holds a whole /64, so that is what counts as one address.
    static func group(_ address: IPAddress) -> IPAddress {
        address.isV4 ? address : IPAddress(high: address.high, low: 0)
    }
}
