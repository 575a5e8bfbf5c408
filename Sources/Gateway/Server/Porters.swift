import Wire

/// The porters of one worker. There are about as many as exchanges under way, so that a connection that waits for a request has
/// none.
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

/// Serves one connection, until that falls silent, and then the next that has something to say.
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
        var heads = HeadReader()
        while let connection = takeConnection() {
            // A connection may end in the middle of a head.
            if await !connection.serve(&heads) { heads = HeadReader() }
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

/// Reads the heads of one connection after another. Between two of them it has seen nothing of a head.
struct HeadReader {
    var parser = RequestParser(limits: HeadLimits())
    /// The number of the duty whose limits the parser goes by; 0: of none.
    private(set) var duty: UInt64 = 0

    /// Goes by `limits`, those of the duty with this number, from now on.
    mutating func adopt(_ limits: HeadLimits, of duty: UInt64) {
        self.duty = duty
        parser = RequestParser(limits: limits)
    }
}
