import Glibc

/// What a person reads: results on standard output, everything else on standard error.
enum Console {
    static func say(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Without a newline, and at once.
    static func ask(_ text: String) { write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Nobody is left to be told.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
