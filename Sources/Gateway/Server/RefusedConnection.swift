import Loop
import Wire

/// A client for whom there is no room: told so in one write, without a task or a buffer of its own.
enum RefusedConnection {
    static func turnAway(_ descriptor: Int32, status: Int) {
        let out = Buffer(capacity: 256)
        out.append("HTTP/1.1 ")
        out.append(decimal: UInt64(status))
        out.append(0x20)
        out.append(StatusText.text(status))
        out.append("\r\nRetry-After: 1\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        Socket.sendAndClose(descriptor, out)
    }
}
