package import Loop
import Wire

/// What a listener does with the requests that arrive at it. One object per worker; it does not leave its worker.
package protocol Handler: AnyObject {
    /// Takes the exchange on as far as that goes without a task, and says what it needs then. It is called again once it has that,
    /// until the exchange has ended: answered, once, by `Exchange.put`, `Exchange.answer` or by forwarding, or given up.
    func advance(_ exchange: Exchange) -> Progress
    /// Does, by a task, what `advance` needs one for.
    func handle(_ exchange: Exchange) async
    /// The exchange has ended, however it did: count it and log it.
    func record(_ exchange: Exchange)
    /// Called every `WorkerContext.tickInterval`, for what has to be done from time to time.
    func tick()
    /// Its last exchange has ended, and another handler serves.
    func end()
}

extension Handler {
    /// All of the exchange is done by one task.
    package func advance(_ exchange: Exchange) -> Progress { exchange.isAttended ? .ended : .needsTask }

    package func end() {}
}

/// What an exchange needs to go on.
package enum Progress {
    /// Nothing: all has been said, but perhaps not taken yet.
    case ended
    /// Something has to move, within this time (monotonic nanoseconds).
    case waits(until: UInt64)
    /// Others are to have their turn first; then as above.
    case pauses(until: UInt64)
    /// `Handler.handle`.
    case needsTask
}

/// What all connections of one worker share.
package final class WorkerContext {
    /// Milliseconds between two ticks of a handler.
    package static let tickInterval: Int64 = 200

    package let loop: EventLoop
    /// 0, 1, … over the workers of the server.
    package let index: Int
    /// The process stops: what is in flight is finished, nothing new is begun.
    package internal(set) var isDraining = false
    // Unchecked: one worker's thread only, and making an id calls nobody.
    @exclusivity(unchecked) private var requestIDs: RequestIDSource
    /// What the connections read into and write from.
    let buffers = BufferPool()
    /// Who waits for the clients.
    let porters = Porters()
    /// Who reads their heads, as long as these come whole.
    let heads = HeadReader()

    init(loop: EventLoop, index: Int, seed: UInt64) {
        self.loop = loop
        self.index = index
        unsafe requestIDs = RequestIDSource(seed: seed)
    }

    func nextRequestID() -> RequestID { unsafe requestIDs.next() }
}
