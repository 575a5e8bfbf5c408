package import Loop
package import Wire

/// One side of an exchange: a socket, what has been read from it and not used, and what is to be written to it.
package final class Transport {
    /// Octets asked for by a read; more once a peer fills it, and for as long as it sends as much.
    private static let smallRead = BufferPool.pieceSize
    private static let largeRead = BufferPool.largeSize

    package let socket: Socket
    package let input: Buffer
    package let output: Buffer
    private var readSize = Transport.smallRead

    package init(socket: Socket, pool: BufferPool) {
        self.socket = socket
        input = Buffer(pool: pool)
        output = Buffer(pool: pool)
    }

    /// Reads once into `input`.
    package func read() -> IOResult {
        let result = socket.read(into: input, room: readSize)
        if case .octets(let count) = result { readSize = count >= Transport.smallRead ? Transport.largeRead : Transport.smallRead }
        return result
    }

    /// Writes `output` as far as it goes now.
    package func flush() -> IOResult {
        let result = socket.write(output)
        if case .octets(let count) = result { output.consume(count) }
        return result
    }

    /// Nothing has come that has not been used, and nothing may have come since.
    package var isSilent: Bool { input.isEmpty && !socket.mayRead }

    /// Nothing is left over of what has been said, on either side, and the peer has not closed.
    var isSettled: Bool { input.isEmpty && output.isEmpty && !socket.isPeerClosed }

    /// Nobody is left to talk to.
    var isGone: Bool { socket.isBroken || !socket.isOpen }

    /// Gives the memory back that a long message took: whoever reads the next one finds it warm.
    package func releaseLargeInput() {
        if input.isEmpty && input.capacity > BufferPool.pieceSize { input.release() }
    }

    /// Gives the memory of empty buffers back, for a connection that waits.
    package func releaseBuffers() {
        if input.isEmpty && input.capacity > 0 { input.release() }
        if output.isEmpty && output.capacity > 0 { output.release() }
    }

    /// Long silent, the peer gets little memory for its next octet, whatever it sent before.
    package func expectLittle() { readSize = Transport.smallRead }
}
