import Wire

/// The porters of one worker: tasks that wait for what a connection cannot wait for by itself. A connection goes on when the loop calls
/// it, and has no task; one is called for what is waited for in the middle of a step, and is free again after it.
///
/// Belongs to its worker's loop.
@safe
final class Porters {
    /// Begins a task that lets `newcomer` work.
    var begin: () -> Void = {}
    /// For each of those tasks, the connection that it begins with.
    private var calls: [ClientConnection] = []
    /// The last one that has become free, then the one before it: what such a one has used last is still in the caches. They are
    /// not retained, for each is held by its task, which waits.
    private unowned(unsafe) var free: Porter?
    private var freeCount = 0
    /// The fewest that were free since the last `trim`.
    private var spare = 0

    /// Porters that stay however quiet it is: enough for a few clients without making a task for each request.
    private static let kept = 8

    /// Has `connection` served.
    func call(_ connection: ClientConnection) {
        guard let porter = takeFree() else {
            calls.append(connection)
            return begin()
        }
        if freeCount < spare { spare = freeCount }
        porter.resume(for: connection)
    }

    /// Another one, to serve a connection that has called for it.
    func newcomer() -> Porter { Porter(for: calls.popLast(), of: self) }

    /// Lets those go that nobody has needed since the last time.
    func trim() {
        for _ in 0..<max(0, spare - Porters.kept) { takeFree()?.resume(for: nil) }
        spare = freeCount
    }

    fileprivate func release(_ porter: Porter) {
        unsafe porter.next = free
        unsafe free = porter
        freeCount &+= 1
    }

    private func takeFree() -> Porter? {
        guard let porter = unsafe free else { return nil }
        unsafe free = porter.next
        freeCount &-= 1
        return porter
    }
}

/// Serves one connection, until that goes on by itself, and then the next that calls.
///
/// A task keeps the memory of its deepest calls for as long as it lives, some 13 KB: too much for each connection that waits.
@safe
final class Porter {
    private let porters: Porters
    private var connection: ClientConnection?
    private var parked: UnsafeContinuation<Void, Never>?
    fileprivate unowned(unsafe) var next: Porter?

    fileprivate init(for connection: ClientConnection?, of porters: Porters) {
        self.connection = connection
        self.porters = porters
    }

    /// Serves for as long as there is work for it.
    func work() async {
        while let connection = takeConnection() {
            await connection.serve()
            // Who waits holds nobody: what has ended is to go now.
            _ = consume connection
            unsafe await withUnsafeContinuation { continuation in
                unsafe parked = continuation
                porters.release(self)
            }
        }
    }

    private func takeConnection() -> ClientConnection? {
        defer { connection = nil }
        return connection
    }

    /// Nil: it is not needed any more.
    fileprivate func resume(for connection: ClientConnection?) {
        self.connection = connection
        let continuation = unsafe parked
        unsafe parked = nil
        unsafe continuation?.resume()
    }
}
