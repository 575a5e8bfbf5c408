import Loop
import Testing
import Wire

@testable import Gateway

@Suite("Exchange")
struct ExchangeTests {
    @Test("100 Continue never follows the beginning of the final response")
    func continueIsTooLate() async throws {
        let texts = try await onLoop { loop in
            let pair = try SocketPair(loop: loop)
            let exchange = pair.exchange()
            exchange.owesContinue = true
            exchange.putContinue()
            await exchange.flush()
            let before = pair.peer.readHead()
            exchange.owesContinue = true
            exchange.hasAnswered = true
            exchange.putContinue()
            await exchange.flush()
            pair.socket.shutdownSending()
            return [before, pair.peer.readToEnd().text]
        }
        #expect(texts == ["HTTP/1.1 100 Continue\r\n\r\n", ""])
    }
}
