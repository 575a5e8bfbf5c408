import Foundation
import Testing

@testable import Settings

@Suite("config/gatehouse.yaml")
struct ExampleTests {
    private static let text: String = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appendingPathComponent("config/gatehouse.yaml"), encoding: .utf8)) ?? ""
    }()

    @Test("it loads without a problem or a warning")
    func loads() throws {
        let folder = try Folder()
        try folder.write("gatehouse.yaml", Self.text)
        let loaded = try Settings.load(path: "\(folder.path)/gatehouse.yaml", environment: [:])
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.settings.routes.count == 4)
    }

    @Test("but for what it says has none, every value in it is the default")
    func defaults() throws {
        let folder = try Folder()
        let example = try load(Self.text, folder: folder.path)
        var expected = try load(
            minimal + "tokens: { secret_file: token.secret }", folder: folder.path)
        expected.routes = example.routes
        #expect(example == expected)
    }

    @Test("the lines that are switched off work as well")
    func switchedOff() throws {
        let folder = try Folder()
        for year in ["01", "07"] { try folder.write("token-2025-\(year).secret", "\(year)0123456789abcdefghijklmnopqrstuvwxyz") }
        for name in ["redis.password", "postgresql.password"] { try folder.write(name, "secret") }
        var lines = Self.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for index in lines.indices {
            let line = lines[index].drop { $0 == " " }
            let rest = line.dropFirst(2).drop { $0 == " " }
            let isKey =
                rest.prefix { $0.isLowercase || $0 == "_" }.count > 1 && rest.drop { $0.isLetter || $0 == "_" }.first == ":"
            if line.hasPrefix("# "), isKey || rest.hasPrefix("- {") {
                let indent = lines[index].count - line.count
                lines[index] = String(repeating: " ", count: indent) + line.dropFirst(2)
            }
        }
        let text = lines.joined(separator: "\n").replacing("  secret_file: token.secret", with: "")
            .replacing("store: sqlite:gatehouse.db  # or postgresql", with: "store: postgresql://gate@db/gate  # or postgresql")
            .replacing("store: sqlite:gatehouse.db  # or redis", with: "store: redis://cache  # or redis")
        let settings = try load(text, folder: folder.path)
        #expect(settings.tokens.keys.count == 2)
        #expect(settings.tokens.issuer == "https://gate.example.com")
        #expect(settings.sessions.password != nil)
        #expect(settings.users.password != nil)
        #expect(settings.upstreams[0].headTimeout == settings.timeouts.upstreamHead)
    }

    @Test("every key there is stands in it")
    func namesEveryKey() {
        func check(_ keys: [Key], in text: Substring) {
            for key in keys {
                if case .refused = key.shape { continue }
                #expect(text.contains("\(key.name):"), "\(key.name)")
                switch key.shape {
                case .section(let inner), .list(.section(let inner), _), .map(_, .section(let inner)): check(inner, in: text)
                case .scalar, .list, .map, .refused: break
                }
            }
        }
        for key in Settings.keys {
            // The part of the file from this key to the next one that is not indented.
            let start = Self.text.range(of: "\n\(key.name):")
            #expect(start != nil, "\(key.name)")
            guard let start else { continue }
            let rest = Self.text[start.upperBound...]
            let end = rest.range(of: "\n[a-z]", options: .regularExpression)?.lowerBound ?? rest.endIndex
            if case .section(let inner) = key.shape { check(inner, in: rest[..<end]) }
            if case .list(.section(let inner), _) = key.shape { check(inner, in: rest[..<end]) }
            if case .map(_, .section(let inner)) = key.shape { check(inner, in: rest[..<end]) }
        }
    }
}
