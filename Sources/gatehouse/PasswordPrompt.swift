import Glibc

/// Takes a password from a person, unseen, or from standard input; never from the command line, which other users can see.
enum PasswordPrompt {
    /// Longer than any password that is taken, so that a longer one is refused and not cut.
    private static let limit = 4_096

    /// The new password of `name`: asked for twice, or all of standard input without the newline at its end.
    static func newPassword(for name: String, fromStandardInput: Bool) throws(CommandFailure) -> [UInt8] {
        if fromStandardInput { return try readAll() }
        let first = try ask("New password for \(name): ")
        guard try ask("The same again: ") == first else { throw CommandFailure("gatehouse: the two are not the same") }
        return first
    }

    private static func readAll() throws(CommandFailure) -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count <= limit, let octet = try next() { octets.append(octet) }
        if octets.last == UInt8(ascii: "\n") { octets.removeLast() }
        if octets.last == UInt8(ascii: "\r") { octets.removeLast() }
        return octets
    }

    private static func ask(_ question: String) throws(CommandFailure) -> [UInt8] {
        var saved = termios()
        guard isatty(STDIN_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &saved) == 0 else {
            throw CommandFailure(
                "gatehouse: there is no terminal to ask for the password; use --password-stdin", status: .usage)
        }
        // Signals are keys like others here, so that nothing can end the program while the terminal is mute.
        var mute = saved
        mute.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute)
        defer { unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved) }
        Console.ask(question)
        defer { Console.ask("\n") }
        return try readLine()
    }

    private static func readLine() throws(CommandFailure) -> [UInt8] {
        var octets: [UInt8] = []
        while let octet = try next() {
            switch octet {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return octets
            case 0x03, 0x04, 0x1C: throw CommandFailure("gatehouse: given up")  // ^C ^D ^\
            case 0x15: octets.removeAll()  // ^U
            case 0x08, 0x7F:
                // One character of UTF-8: its last octet, and the continuation octets before its first.
                while let last = octets.popLast(), last & 0xC0 == 0x80 {}
            default: if octets.count <= limit { octets.append(octet) }
            }
        }
        return octets
    }

    private static func next() throws(CommandFailure) -> UInt8? {
        var octet: UInt8 = 0
        while true {
            let count = unsafe read(STDIN_FILENO, &octet, 1)
            if count == 1 { return octet }
            if count == 0 { return nil }
            guard errno == EINTR else { throw CommandFailure("gatehouse: standard input cannot be read") }
        }
    }
}
