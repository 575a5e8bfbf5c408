import Glibc
import Loop
import Synchronization

/// A server that answers Redis' greeting properly and everything after it as the test says.
final class FakeRedis: Sendable {
    /// What happens once a client has been greeted and has sent something.
    enum Behaviour: Sendable {
        case answer([UInt8])
        /// The octets in two pieces, the first one octet long, then two, and so on, with a pause in between.
        case pieces([UInt8])
        /// The octets again and again, until the client goes.
        case flood([UInt8])
        case close
        case silence
    }

    let port: UInt16
    private let listener: Int32
    private let behaviour: Behaviour
    private let greets: Bool
    private let connections = Mutex<Int>(0)
    private let readCount = Mutex<Int>(0)
    private let received = Mutex<[UInt8]>([])

    /// - Parameter greets: whether the ping with which a connection begins is answered.
    init(_ behaviour: Behaviour, greets: Bool = true) throws {
        (listener, port) = try TCP.listen()
        self.behaviour = behaviour
        self.greets = greets
        let listener = listener
        _ = try Thread.start(name: "fake-redis") { [weak self] in
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                guard let self else { return }
                connections.withLock { $0 += 1 }
                serve(descriptor)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    var connectionCount: Int { connections.withLock { $0 } }
    /// How often something arrived.
    var reads: Int { readCount.withLock { $0 } }

    /// How often `text` stands in what has arrived so far.
    func count(of text: String) -> Int {
        received.withLock { $0.count - $0.split(separator: Array(text.utf8), omittingEmptySubsequences: false).joined().count }
            / text.utf8.count
    }

    private func serve(_ descriptor: Int32) {
        let (behaviour, greets) = (behaviour, greets)
        _ = try? Thread.start(name: "fake-client") { [weak self] in
            defer { close(descriptor) }
            var isGreeted = !greets
            var cut = 0
            while case let octets = TCP.receive(descriptor), !octets.isEmpty {
                self?.received.withLock { $0 += octets }
                self?.readCount.withLock { $0 += 1 }
                guard isGreeted else {
                    isGreeted = true
                    TCP.send(descriptor, Array("+PONG\r\n".utf8))
                    continue
                }
                switch behaviour {
                case .answer(let answer): TCP.send(descriptor, answer)
                case .pieces(let answer):
                    cut = cut % answer.count + 1
                    TCP.send(descriptor, Array(answer[..<cut]))
                    usleep(1_000)
                    TCP.send(descriptor, Array(answer[cut...]))
                case .flood(let answer): while TCP.send(descriptor, answer) {}
                case .close: return
                case .silence: break
                }
            }
        }
    }
}
