import Foundation
import Testing

@testable import Settings

@Suite("Settings that are written back")
struct PrintTests {
    /// Every kind of value away from its default.
    private static let rich = """
        version: 1
        public_url: https://gate.example.com
        listen: [{ address: 0.0.0.0:8080 }, { address: "[::1]:8081" }]
        admin: { address: "off" }
        workers: 4
        trusted_proxies: [10.0.0.0/8, fd00::/8]
        users: { store: "sqlite:/var/lib/gate house.db" }
        passwords: { algorithm: bcrypt, cost: 11, threads: 2 }
        login: { issues: token, allow: [token, session] }
        sessions: { store: "redis://gate@cache:6379/3", password_file: second.secret, store_timeout: 250ms }
        tokens:
          keys: [{ kid: "2025", secret_file: token.secret }, { kid: "null", secret_file: second.secret }]
          issuer: "https://gate.example.com/#a:b"
        identity: { headers: { X-Who: id } }
        upstreams:
          a: { servers: [http://a:81, "http://[::1]:82"], head_timeout: 1500ms }
          b: { servers: [http://b] }
        routes:
          - { host: A.example, path: /x/, upstream: a, require: { role: ["yes", "ad:min"] } }
          - { path: /p, upstream: b, access: public, max_body: unlimited }
          - { path: "/é", upstream: a, accept: [session] }
        limits: { body: unlimited, min_rate: 0 }
        log: { access: "off" }
        """.replacing("/é", with: "/%C3%A9")

    @Test("printed settings load again, and are equal", arguments: [minimal, Self.rich])
    func roundTrip(text: String) throws {
        let folder = try Folder()
        let settings = try load(text, folder: folder.path)
        let again = try load(settings.printed, folder: "/elsewhere")
        #expect(settings == again)
        #expect(again.printed == settings.printed)
    }

    @Test("rule 45: no secret is printed, described or mirrored")
    func secretsStaySecret() throws {
        let secret = "correct-horse-battery-staple-and-more"
        let settings = try load(
            minimal + "tokens: { secret: \(secret) }\nsessions: { store: 'redis://u:\(secret)@cache' }")
        #expect(settings.tokens.secret?.octets == Array(secret.utf8))
        let shown =
            settings.printed + "\(settings)" + String(reflecting: settings)
            + {
                var out = ""
                dump(settings, to: &out)
                return out
            }()
        #expect(!shown.contains("battery"))
        #expect(settings.printed.contains("secret: \"<redacted>\""))
        // What was printed cannot sign anything.
        #expect(problems(settings.printed).map(\.path) == ["tokens.secret"])
    }

    @Test("the schema is JSON, knows every key and refuses others, at every depth")
    func schema() throws {
        let root = try #require(
            try JSONSerialization.jsonObject(with: Data(Settings.schema.text.utf8)) as? [String: Any])
        #expect(root["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(root["required"] as? [String] == ["version", "public_url"])
        try compare(root, Settings.keys)
    }

    private func compare(_ schema: [String: Any], _ keys: [Key]) throws {
        #expect(schema["type"] as? String == "object")
        #expect(schema["additionalProperties"] as? Bool == false)
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        let known = keys.filter { if case .refused = $0.shape { false } else { true } }
        #expect(Set(properties.keys) == Set(known.map(\.name)))
        #expect(Set(schema["required"] as? [String] ?? []) == Set(known.filter(\.isRequired).map(\.name)))
        for key in known {
            let property = try #require(properties[key.name])
            #expect(property["description"] as? String == key.doc)
            switch key.shape {
            case .section(let inner): try compare(property, inner)
            case .list(.section(let inner), _):
                #expect(property["type"] as? String == "array")
                try compare(try #require(property["items"] as? [String: Any]), inner)
            case .map(let names, .section(let inner)):
                #expect((property["propertyNames"] as? [String: String])?["pattern"] == names.pattern)
                try compare(try #require(property["additionalProperties"] as? [String: Any]), inner)
            case .scalar, .list, .map, .refused:
                #expect(property["type"] != nil || property["enum"] != nil || property["anyOf"] != nil, "\(key.name)")
            }
        }
    }

    @Test("every default fits the pattern that the schema gives for it")
    func defaultsFit() throws {
        func check(_ keys: [Key]) throws {
            for key in keys {
                if case .section(let inner) = key.shape { try check(inner) }
                guard case .scalar(let schema) = key.shape, case .text(let text)? = key.fallback,
                    case .string(let pattern)? = schema.first(where: { $0.0 == "pattern" })?.1, !key.isRequired
                else { continue }
                #expect(text.range(of: pattern, options: .regularExpression) != nil, "\(key.name): \(text)")
            }
        }
        try check(Settings.keys)
    }

    @Test(
        "YAML is quoted where another reader would see something else",
        arguments: [
            ("word", "word"), ("/a/b.c-d_e", "/a/b.c-d_e"), ("yes", "\"yes\""), ("Off", "\"Off\""), ("12", "\"12\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""), ("a\"\\\n\u{1}\u{85}", #""a\"\\\n\u0001\u0085""#), ("-", "\"-\""), ("é", "\"é\""),
        ])
    func quoting(text: String, expected: String) {
        #expect(Output.section([.init(name: "k", value: .text(text))]).yaml == "k: \(expected)\n")
    }
}
