import Glibc

/// The C library's text for an `errno`.
func systemMessage(_ error: Int32) -> String {
    // glibc keeps strerror's buffer per thread (since 2.32), and never returns null.
    unsafe strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
}
