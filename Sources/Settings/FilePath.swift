import Glibc

/// Paths of files that settings name, and their contents.
enum FilePath {
    /// `path` as it is when it is absolute, else below `folder`.
    static func resolve(_ path: String, from folder: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : folder == "/" ? "/\(path)" : "\(folder)/\(path)"
    }

    /// The absolute folder of the file at `path`.
    static func folder(of path: String) -> String {
        let absolute = resolve(path, from: workingFolder)
        guard let slash = absolute.lastIndex(of: "/"), slash != absolute.startIndex else { return "/" }
        return String(absolute[..<slash])
    }

    private static var workingFolder: String {
        guard let path = unsafe getcwd(nil, 0) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// The file's octets; at most `limit`, so that a wrong path (a device, a database) cannot fill the memory.
    static func read(_ path: String, limit: Int) throws(Fault) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Fault("\(path) cannot be read: \(reason())") }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Fault("\(path) cannot be read: \(reason())") }
            if count == 0 { return octets }
            octets += chunk[..<count]
            guard octets.count <= limit else { throw Fault("\(path) is larger than \(limit) octets") }
        }
    }

    private static func reason() -> String {
        let code = errno
        return unsafe String(cString: strerror(code))
    }
}

extension Codec where Value == String {
    /// A path in the file system, absolute or relative to the settings' folder.
    static var path: Self {
        Codec(
            schema: [("type", .string("string")), ("minLength", .integer(1))],
            parse: { (text) throws(Fault) in
                guard !text.isEmpty, !text.utf8.contains(0) else { throw Fault("expected the path of a file") }
                return text
            },
            write: { .text($0) })
    }
}
