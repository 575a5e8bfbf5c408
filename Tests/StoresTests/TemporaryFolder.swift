import Glibc

/// A folder of the test's own, removed with all that is in it when the test lets it go.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws { path = try TemporaryFolder.make("stores") }

    /// A new folder that is the caller's to remove.
    /// - Returns: its path.
    static func make(_ name: String) throws -> String {
        var template = Array("/tmp/gatehouse-\(name)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestFailure("mkdtemp failed") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove() }

    /// Also by itself, for what is never freed.
    func remove() {
        if let folder = unsafe opendir(path) {
            while let entry = unsafe readdir(folder) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                    unsafe String(cString: UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self))
                }
                if name != "." && name != ".." { unsafe unlink("\(path)/\(name)") }
            }
            unsafe closedir(folder)
        }
        unsafe rmdir(path)
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw TestFailure("cannot write \(path)") }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
