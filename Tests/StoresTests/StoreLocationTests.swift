import Stores
import Testing

@Suite("Store locations")
struct StoreLocationTests {
    static let good: [(text: String, location: StoreLocation)] = [
        ("sqlite:gatehouse.db", .sqlite(path: "gatehouse.db")),
        ("sqlite:/var/lib/gatehouse/users.db", .sqlite(path: "/var/lib/gatehouse/users.db")),
        ("sqlite:///var/lib/users.db", .sqlite(path: "/var/lib/users.db")),
        ("sqlite:dir with space/ä.db", .sqlite(path: "dir with space/ä.db")),
        ("memory:", .memory),
        ("redis://localhost", .redis(RedisLocation(host: "localhost"))),
        ("redis://10.0.0.1:6380/", .redis(RedisLocation(host: "10.0.0.1", port: 6_380))),
        ("redis://cache.example:6379/15", .redis(RedisLocation(host: "cache.example", database: 15))),
        ("redis://[::1]:7000/2", .redis(RedisLocation(host: "::1", port: 7_000, database: 2))),
        ("redis://[fe80::1]", .redis(RedisLocation(host: "fe80::1"))),
        ("redis://:secret@h/1", .redis(RedisLocation(host: "h", database: 1, password: Array("secret".utf8)))),
        (
            "redis://gate:p%40ss%2Fw%3a%00@h:1",
            .redis(RedisLocation(host: "h", port: 1, user: Array("gate".utf8), password: Array("p@ss/w:\0".utf8)))
        ),
        ("redis://u:a:b@c@h", .redis(RedisLocation(host: "h", user: Array("u".utf8), password: Array("a:b@c".utf8)))),
    ]

    @Test("an address is read", arguments: good)
    func read(text: String, location: StoreLocation) throws {
        #expect(try StoreLocation(text) == location)
    }

    static let bad: [(text: String, says: String)] = [
        ("", "starts with"), ("gatehouse.db", "starts with"), ("mysql://h/db", "starts with"), ("SQLITE:x", "starts with"),
        ("sqlite:", "path of a file"), ("sqlite://host/x.db", "absolute path"), ("sqlite::memory:", "memory:"),
        ("sqlite:file:x.db?mode=memory", "memory:"), ("sqlite:a\0b", "control character"),
        ("memory:x", "nothing after"), ("postgresql://u@h/db", "with the settings"),
        ("postgres://u@h/db", "with the settings"), ("rediss://h", "not supported yet"),
        ("redis:h", "has the form"), ("redis://", "names a host"), ("redis://:6379", "names a host"),
        ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:", "port"), ("redis://h:6379x", "port"),
        ("redis://h:999999999999999999999", "port"), ("redis://h:-1", "port"), ("redis://h/x", "database"),
        ("redis://h/1/2", "database"), ("redis://h/99999999999999999999", "database"), ("redis://h?db=1", "query"),
        ("redis://h#1", "query"), ("redis://secret@h", "has the form"), ("redis://:@h", "empty"),
        ("redis://:p%4@h", "%"), ("redis://:p%zz@h", "%"), ("redis://[::1", "closing"), ("redis://[::1]x", "followed by"),
        ("redis://::1", "names a host"), ("redis://h ost", "names a host"), ("redis://h\r\nX: y", "control character"),
        ("redis://hé", "names a host"), (String(repeating: "s", count: 5_000), "longer"),
    ]

    @Test("a faulty address is refused with a sentence that says why", arguments: bad)
    func refuse(text: String, says: String) {
        let error = #expect(throws: StoreLocationError.self) { try StoreLocation(text) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test(
        "rule 45: no message and no description repeats a password",
        arguments: [
            "redis://user:hunter2@h:0", "redis://hunter2@h", "redis://:hunter2%@h", "hunter2://x", "postgresql://u:hunter2@h/d",
            "redis://:hunter2@h", "redis://hunter2:hunter2@h:6379/3", "redis://:hunter2@h/hunter2",
        ])
    func secrets(text: String) {
        do {
            #expect(!"\(try StoreLocation(text))".contains("hunter2"))
        } catch {
            #expect(!"\(error)".contains("hunter2"))
        }
    }
}
