import Glibc

/// A system call that failed: which, on what, and the operating system's own words.
package struct SystemError: Error, CustomStringConvertible, Equatable {
    package let call: StaticString
    package let subject: String
    package let code: Int32

    package init(_ call: StaticString, _ subject: String = "", code: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    package static func == (left: SystemError, right: SystemError) -> Bool {
        left.code == right.code && left.call.description == right.call.description && left.subject == right.subject
    }

    package var description: String {
        "\(call)\(subject.isEmpty ? "" : " \(subject)"): \(SystemError.text(code))"
    }

    /// The operating system's words for an error number (strerror_r(3)).
    package static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
