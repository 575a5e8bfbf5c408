import ArgumentParser
import Loop
import Settings
import Wire

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask the running gateway whether it is ready.",
        discussion: "Exit status 0: it is. For container probes: it asks /readyz of admin.address and needs no other program.")

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 5
    @OptionGroup var options: ConfigOptions

    func validate() throws {
        guard (1...300).contains(timeout) else { throw ValidationError("--timeout takes 1 to 300 seconds.") }
    }

    func run() throws {
        guard case .at(let admin) = try options.load().settings.admin.address else {
            throw CommandFailure("gatehouse: admin.address is off, so there is nobody to ask")
        }
        // A listener on every interface is asked on this machine.
        let host = !admin.isWildcard ? admin.host : admin.isIPv6 ? "::1" : "127.0.0.1"
        guard let octets = SocketAddress.octets(ofNumericHost: host),
            let address = SocketAddress(octets: octets, port: admin.port)
        else { throw CommandFailure("gatehouse: \(admin) is no address to ask") }
        let timeout = self.timeout
        let status = try CommandLoop.run { loop, _ in
            let deadline = loop.now.adding(milliseconds: Int64(timeout) * 1_000)
            return try await Self.ask(address, on: loop, until: deadline)
        }
        guard status == 200 else { throw CommandFailure("gatehouse: not ready (\(address.text) answered \(status))") }
        Console.say("ready")
    }

    /// The status of `GET /readyz`.
    private static func ask(_ address: SocketAddress, on loop: EventLoop, until deadline: UInt64) async throws -> Int {
        let waiter = Waiter(loop: loop)
        let socket: Socket
        do {
            socket = try await Socket.connect(to: address, loop: loop, waiter: waiter, until: deadline)
        } catch {
            throw CommandFailure("gatehouse: not ready (\(address.text): \(error))")
        }
        defer { socket.close() }
        let request = Buffer()
        request.append(text: "GET /readyz HTTP/1.1\r\nHost: \(address.text)\r\nConnection: close\r\n\r\n")
        let response = Buffer()
        let head = ResponseHead()
        var parser = ResponseParser(limits: HeadLimits())
        while true {
            let step = request.isEmpty ? socket.read(into: response, room: 4_096) : socket.write(request)
            switch step {
            case .octets(let count) where !request.isEmpty: request.consume(count)
            case .octets:
                do {
                    if try parser.parse(response, answering: .get, into: head) { return head.status }
                } catch {
                    throw CommandFailure("gatehouse: not ready (\(address.text) does not speak HTTP: \(error))")
                }
            case .wouldBlock:
                guard await waiter.wait(until: deadline) else {
                    throw CommandFailure("gatehouse: not ready (\(address.text) did not answer in time)")
                }
            case .ended, .failed: throw CommandFailure("gatehouse: not ready (\(address.text) closed the connection)")
            }
        }
    }
}
