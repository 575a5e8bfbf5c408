import Glibc

/// A folder for the time of a demo, which nobody else can read.
struct DemoFolder {
    let path: String

    init() throws {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/gatehouse-demo-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            let code = errno
            throw CommandFailure("gatehouse: no folder can be made in \(parent): \(unsafe String(cString: strerror(code)))")
        }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes the folder and the files in it.
    func remove() {
        guard let folder = unsafe opendir(path) else { return }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { _ = unsafe unlink("\(path)/\(name)") }
        }
        unsafe closedir(folder)
        _ = unsafe rmdir(path)
    }
}
