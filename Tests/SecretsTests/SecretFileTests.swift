import Glibc
import Testing

@testable import Secrets

/// A directory of its own for each test, removed with all that is in it.
private final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/gatehouse-secrets-XXXXXX".utf8CString)
        path = try #require(unsafe mkdtemp(&template).map { unsafe String(cString: $0) })
    }

    deinit {
        for name in ["secret", "link", "pipe"] { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }

    func write(_ octets: [UInt8], mode: mode_t = 0o600) -> String {
        let file = path + "/secret"
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = unsafe Glibc.write(descriptor, octets, octets.count)
        fchmod(descriptor, mode)
        close(descriptor)
        return file
    }
}

@Suite("secret files")
struct SecretFileTests {
    @Test(
        "the octets come as they are, without one newline at the end",
        arguments: [
            (goodSecret, goodSecret), (Array("abc\n".utf8), Array("abc".utf8)), (Array("abc\n\n".utf8), Array("abc\n".utf8)),
            (Array(" a b \r\n".utf8), Array(" a b \r".utf8)), ([0, 0x0a, 0xff], [0, 0x0a, 0xff]),
            (run(0x61, 4096), run(0x61, 4096)),
        ])
    func load(content: [UInt8], secret: [UInt8]) throws {
        let scratch = try Scratch()
        #expect(try SecretFile.load(fromFile: scratch.write(content)) == secret)
    }

    @Test(
        "a file that others have access to is refused, and the answer says what to do",
        arguments: [
            0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o660, 0o666, 0o777,
        ] as [mode_t])
    func openToOthers(mode: mode_t) throws {
        let scratch = try Scratch()
        let file = scratch.write(goodSecret, mode: mode)
        let error = SecretsError.file(path: file, .openToOthers(mode: mode))
        #expect(throws: error) { try SecretFile.load(fromFile: file) }
        #expect(error.description.contains("chmod 600"))
        #expect(error.description.contains(file))
    }

    @Test(
        "an owner's file is taken however little the owner may do besides reading",
        arguments: [
            0o600, 0o400, 0o700,
        ] as [mode_t])
    func owners(mode: mode_t) throws {
        let scratch = try Scratch()
        #expect(try SecretFile.load(fromFile: scratch.write(goodSecret, mode: mode)) == goodSecret)
    }

    @Test(
        "root may leave its file to the group root or to a group of the reader's, to read",
        arguments: [
            (0o440, 0, 7, true), (0o640, 0, 7, true), (0o440, 0, 0, true), (0o400, 5, 9, true),
            (0o440, 0, 9, false), (0o440, 5, 7, false), (0o440, 5, 0, false),
            (0o460, 0, 7, false), (0o450, 0, 7, false), (0o444, 0, 7, false), (0o442, 0, 0, false), (0o441, 0, 7, false),
        ] as [(mode_t, uid_t, gid_t, Bool)])
    func groups(mode: mode_t, owner: uid_t, group: gid_t, isPrivate: Bool) {
        #expect(
            SecretFile.isPrivate(mode: mode, owner: owner, group: group, reader: 5, readersGroups: [8, 7]) == isPrivate)
    }

    @Test(
        "to root itself any group of its own file is good, and nothing else more than to others",
        arguments: [(0o440, 0, 9, true), (0o440, 5, 9, false), (0o460, 0, 9, false), (0o444, 0, 9, false)]
            as [(mode_t, uid_t, gid_t, Bool)])
    func root(mode: mode_t, owner: uid_t, group: gid_t, isPrivate: Bool) {
        #expect(
            SecretFile.isPrivate(mode: mode, owner: owner, group: group, reader: 0, readersGroups: [0]) == isPrivate)
    }

    @Test("the owner of a file and its mode are those that the file has", .enabled(if: geteuid() == 0))
    func rootsFile() throws {
        let scratch = try Scratch()
        let file = scratch.write(goodSecret, mode: 0o440)
        #expect(try SecretFile.load(fromFile: file) == goodSecret)
        #expect(unsafe chown(file, 1, 0) == 0)
        #expect(throws: SecretsError.file(path: file, .openToOthers(mode: 0o440))) { try SecretFile.load(fromFile: file) }
    }

    @Test("an empty file is refused", arguments: [[], [0x0a]] as [[UInt8]])
    func empty(content: [UInt8]) throws {
        let scratch = try Scratch()
        let file = scratch.write(content)
        #expect(throws: SecretsError.file(path: file, .empty)) { try SecretFile.load(fromFile: file) }
    }

    @Test("a file over 4 KiB is refused, not cut", arguments: [4097, 10_000])
    func tooLong(count: Int) throws {
        let scratch = try Scratch()
        let file = scratch.write(run(0x61, count))
        #expect(throws: SecretsError.file(path: file, .tooLong(limit: 4096))) { try SecretFile.load(fromFile: file) }
    }

    @Test("a directory, a device and a pipe without a writer are refused, and none is waited for")
    func notAFile() throws {
        let scratch = try Scratch()
        let pipe = scratch.path + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for path in [scratch.path, "/dev/zero", pipe] {
            #expect(throws: SecretsError.file(path: path, .notAFile)) { try SecretFile.load(fromFile: path) }
        }
    }

    @Test("a path that is not there, or has a NUL, is refused")
    func noPath() throws {
        let scratch = try Scratch()
        let missing = scratch.path + "/missing"
        #expect(throws: SecretsError.file(path: missing, .system(call: "open", errno: ENOENT))) {
            try SecretFile.load(fromFile: missing)
        }
        let file = scratch.write(goodSecret)
        #expect(throws: SecretsError.file(path: file + "\0.txt", .pathHasNUL)) {
            try SecretFile.load(fromFile: file + "\0.txt")
        }
    }

    @Test("a generated secret is its owner's, makes a key, and is another one each time")
    func generate() throws {
        let scratch = try Scratch()
        let file = scratch.path + "/secret"
        try SecretFile.generate(at: file)
        var status = stat()
        #expect(unsafe stat(file, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_size == 44)
        let secret = try SecretFile.load(fromFile: file)
        #expect(Base64URL.decode(secret)?.count == 32)
        _ = try HMACSHA256Key(secret: secret)
        unsafe unlink(file)
        try SecretFile.generate(at: file)
        #expect(try SecretFile.load(fromFile: file) != secret)
    }

    @Test("a file that exists is never written over, nor one behind a link")
    func exists() throws {
        let scratch = try Scratch()
        let file = scratch.write(goodSecret)
        #expect(throws: SecretsError.file(path: file, .exists)) { try SecretFile.generate(at: file) }
        #expect(try SecretFile.load(fromFile: file) == goodSecret)
        let link = scratch.path + "/link"
        #expect(unsafe symlink(scratch.path + "/elsewhere", link) == 0)
        #expect(throws: SecretsError.file(path: link, .exists)) { try SecretFile.generate(at: link) }
    }

    @Test("a secret that cannot be written leaves an error with the path")
    func cannotBeWritten() throws {
        let scratch = try Scratch()
        let file = scratch.path + "/missing/secret"
        #expect(throws: SecretsError.file(path: file, .system(call: "open", errno: ENOENT))) {
            try SecretFile.generate(at: file)
        }
    }
}
