import Glibc

/// Notices that files have changed: been written, replaced, or that the link to one leads elsewhere, as Kubernetes changes the
/// files of a ConfigMap or a Secret.
struct FileWatch {
    private struct Stamp: Equatable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        /// Nanoseconds of the last change of content, and of the last change of anything.
        let written: Int64
        let changed: Int64

        /// Nil: there is no such file.
        init?(_ path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            device = status.st_dev
            inode = status.st_ino
            size = status.st_size
            written = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
            changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        }
    }

    /// As they were when they were last read.
    private var known: [String: Stamp?] = [:]
    /// As they were at the last look, if that was unlike `known`.
    private var seen: [String: Stamp?]?

    /// `files` were read, beginning at `moment` (milliseconds since 1970): what has changed since then counts as changed.
    mutating func watch(_ files: [String], since moment: Int64) {
        known = FileWatch.look(at: files)
        for (path, stamp) in known {
            if let stamp, stamp.changed / 1_000_000 >= moment { known[path] = .some(nil) }
        }
        seen = nil
    }

    /// Whether there is something new to read, and it has not changed since the last call: whoever writes a file has had the time in
    /// between to finish it.
    mutating func hasNews() -> Bool {
        let now = FileWatch.look(at: known.keys)
        guard now != known else {
            seen = nil
            return false
        }
        defer { seen = now }
        return now == seen
    }

    private static func look(at files: some Sequence<String>) -> [String: Stamp?] {
        Dictionary(files.map { ($0, Stamp($0)) }) { first, _ in first }
    }
}
