package import Loop
import Wire

/// What a listener does with the requests that arrive at it. One object per worker; it does not leave its worker.
package protocol Handler: AnyObject {
    /// Answers the exchange, once: by `Exchange.answer`, or by forwarding. Returns when the response has been written or
    /// the exchange has been given up.
    func handle(_ exchange: Exchange) async
    /// The exchange has ended, however it did: count it and log it.
    func record(_ exchange: Exchange)
    /// Called every `WorkerContext.tickInterval`, for what has to be done from time to time.
    func tick()
    /// Its last exchange has ended, and another handler serves.
    func end()
}

extension Handler {
    package func end() {}
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
    var requestIDs: RequestIDSource
    /// What the connections read into and write from.
    let buffers = BufferPool()
    /// Who serves the clients.
    let porters = Porters()

    init(loop: EventLoop, index: Int, seed: UInt64) {
        self.loop = loop
        self.index = index
        requestIDs = RequestIDSource(seed: seed)
    }
}
