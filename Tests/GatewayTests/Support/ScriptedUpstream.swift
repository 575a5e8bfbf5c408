import Loop
import Synchronization

/// An upstream that does what a test tells it to, on a thread of its own.
final class ScriptedUpstream: Sendable {
    let port: UInt16
    private let thread: Loop.Thread

    final class Script {
        private let listener: BlockingListener
        private let note: (String) -> Void

        init(_ listener: BlockingListener, note: @escaping (String) -> Void) {
            self.listener = listener
            self.note = note
        }

        func hear(_ text: String) { note(text) }

        func accept() -> BlockingSocket? { listener.accept() }

        /// Stops listening: who connects from now on is refused.
        func stopListening() { listener.close() }

        /// Reads a request without content, and answers.
        @discardableResult
        func answer(_ connection: BlockingSocket, _ text: String) -> Bool {
            let head = connection.readHead()
            if head.isEmpty { return false }
            hear(head)
            return connection.send(text)
        }
    }

    init(_ run: @escaping @Sendable (Script) -> Void) throws {
        let listener = BlockingListener()
        port = listener.port
        let box = Box()
        thread = try Loop.Thread.start(name: "upstream") {
            run(Script(listener) { text in box.texts.withLock { $0.append(text) } })
            listener.close()
        }
        self.box = box
    }

    private final class Box: Sendable { let texts = Mutex<[String]>([]) }
    private let box: Box

    /// How much has been heard so far.
    var heard: Int { box.texts.withLock { $0.count } }

    /// What has been heard, once the script is through.
    func finish() async throws -> [String] { try await onThread { self.wait() } }

    /// The same, for a caller that may block.
    func wait() -> [String] {
        // A script that still waits for somebody gets somebody who says nothing.
        for _ in 0..<4 { BlockingSocket(port: port).close() }
        thread.join()
        return box.texts.withLock { $0 }
    }

    /// Answers each request of each connection with what `respond` says, until `connections` of them have ended.
    static func answering(connections: Int = 1, _ respond: @escaping @Sendable (String) -> String) throws -> ScriptedUpstream {
        try ScriptedUpstream { script in
            for _ in 0..<connections {
                guard let connection = script.accept() else { return }
                while true {
                    let head = connection.readHead()
                    guard head.hasSuffix("\r\n\r\n") else { break }
                    script.hear(head)
                    connection.send(respond(head))
                }
                connection.close()
            }
        }
    }
}
