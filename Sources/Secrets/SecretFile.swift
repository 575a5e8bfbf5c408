import Glibc

/// A file that holds one secret as text, for nobody's eyes but the gateway's and root's.
package enum SecretFile {
    /// The longest file taken, in octets.
    package static let limit = 4096

    /// The octets of the file at `path`, without the newline at its end if there is one.
    ///
    /// Throws `SecretsError.file` for a file that is empty, longer than 4 KiB, not a regular file, or that others have access
    /// to (`isPrivate`). Blocks.
    package static func load(fromFile path: String) throws(SecretsError) -> [UInt8] {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = try open(path, flags: O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        defer { _ = close(descriptor) }
        try checkStatus(of: descriptor, path)
        // One octet of room over the limit, to see that a file is longer.
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        defer { wipe(&buffer) }
        let count = try read(descriptor, into: &buffer, path)
        guard count <= limit else { throw .file(path: path, .tooLong(limit: limit)) }
        var secret = Array(buffer[..<count])
        if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
        guard !secret.isEmpty else { throw .file(path: path, .empty) }
        return secret
    }

    /// Makes a file at `path` with 32 random octets as base64url text and a newline: a secret for HS256.
    ///
    /// The file is its owner's alone and is on the disk when this returns. A file that is there already is left as it is.
    package static func generate(at path: String) throws(SecretsError) {
        var text = Base64URL.encode(try SecureRandom.bytes(32))
        defer { wipe(&text) }
        text.append(UInt8(ascii: "\n"))
        let descriptor = try open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
        do throws(SecretsError) {
            defer { _ = close(descriptor) }
            try write(text, to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw .file(path: path, .system(call: "fsync", errno: errno)) }
        } catch {
            // Half a secret must not stay behind as if it were one.
            _ = unsafe unlink(path)
            throw error
        }
        try syncDirectory(of: path)
    }

    private static func open(_ path: String, flags: Int32) throws(SecretsError) -> Int32 {
        guard !path.utf8.contains(0) else { throw .file(path: path, .pathHasNUL) }
        let descriptor = unsafe Glibc.open(path, flags, 0o600)
        if descriptor >= 0 { return descriptor }
        if errno == EEXIST { throw .file(path: path, .exists) }
        throw .file(path: path, .system(call: "open", errno: errno))
    }

    private static func checkStatus(of descriptor: Int32, _ path: String) throws(SecretsError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .file(path: path, .system(call: "fstat", errno: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(path: path, .notAFile) }
        let isPrivate = isPrivate(
            mode: status.st_mode, owner: status.st_uid, group: status.st_gid, reader: geteuid(), readersGroups: ownGroups())
        guard isPrivate else {
            throw .file(path: path, .openToOthers(mode: status.st_mode & 0o7777))
        }
    }

    /// Whether nobody but the owner has access, or nobody but root and one group that may read.
    ///
    /// The second is how container platforms and systemd hand out secrets: root's file, mode 0440, of a group made for this
    /// process alone (Kubernetes, fsGroup), or of the group root with an access control list for the service's user, whose mask
    /// shows as the group's bits (systemd.exec(5), LoadCredential=). Only root can have chosen the group of such a file; any other
    /// owner may have left the bits as the umask made them. Root's own commands take what the service takes, whose group they are not in.
    static func isPrivate(mode: mode_t, owner: uid_t, group: gid_t, reader: uid_t, readersGroups: [gid_t]) -> Bool {
        if mode & 0o077 == 0 { return true }
        guard mode & 0o037 == 0, owner == 0 else { return false }
        return reader == 0 || group == 0 || readersGroups.contains(group)
    }

    /// The process's groups; only the effective one where the others cannot be had.
    private static func ownGroups() -> [gid_t] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [getegid()] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let got = unsafe getgroups(count, &groups)
        return groups.prefix(max(0, Int(got))) + [getegid()]
    }

    private static func read(
        _ descriptor: Int32, into buffer: inout [UInt8], _ path: String
    ) throws(SecretsError) -> Int {
        var count = 0
        while count < buffer.count {
            let got = unsafe buffer.withUnsafeMutableBytes { room in
                unsafe Glibc.read(descriptor, room.baseAddress! + count, room.count - count)
            }
            if got == 0 { break }
            if got > 0 {
                count += got
            } else if errno != EINTR {
                throw .file(path: path, .system(call: "read", errno: errno))
            }
        }
        return count
    }

    private static func write(_ octets: [UInt8], to descriptor: Int32, _ path: String) throws(SecretsError) {
        var written = 0
        while written < octets.count {
            let put = unsafe octets.withUnsafeBytes { rest in
                unsafe Glibc.write(descriptor, rest.baseAddress! + written, rest.count - written)
            }
            if put >= 0 {
                written += put
            } else if errno != EINTR {
                throw .file(path: path, .system(call: "write", errno: errno))
            }
        }
    }

    /// The name of a new file is on the disk only when its directory is.
    private static func syncDirectory(of path: String) throws(SecretsError) {
        let directory: String
        switch path.utf8.lastIndex(of: UInt8(ascii: "/")) {
        case nil: directory = "."
        case path.startIndex: directory = "/"
        case let slash?: directory = String(path[..<slash])
        }
        let descriptor = try open(directory, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .file(path: directory, .system(call: "fsync", errno: errno)) }
    }
}
