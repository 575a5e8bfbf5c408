import Foundation

@testable import Settings

/// The least that settings need.
let minimal = """
    version: 1
    public_url: http://127.0.0.1:8080
    upstreams:
      profile: { servers: [http://127.0.0.1:9001] }
    routes:
      - { path: /profile, upstream: profile }

    """

/// A folder of its own, with two good token secrets in it; gone with the value.
final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
        try write("token.secret", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG\n")
        try write("second.secret", "GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210\n")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    }
}

func load(_ text: String, environment: [String: String] = [:], folder: String = "/nowhere") throws -> Settings {
    try Settings.read(text, file: "gatehouse.yaml", folder: folder, environment: environment).settings
}

/// The problems of settings that must not load; empty when they do.
func problems(_ text: String, environment: [String: String] = [:], folder: String = "/nowhere") -> [SettingProblem] {
    do throws(SettingsError) {
        _ = try Settings.read(text, file: "gatehouse.yaml", folder: folder, environment: environment)
        return []
    } catch {
        return error.problems.filter { $0.severity == .error }
    }
}

func warnings(_ text: String) throws -> [SettingProblem] {
    try Settings.read(text, file: "gatehouse.yaml", folder: "/nowhere", environment: [:]).warnings
}
