import Access

/// Settings as they were loaded, with what is odd about them but no reason to refuse them.
package struct LoadedSettings: Sendable {
    package let settings: Settings
    package let warnings: [SettingProblem]
    /// The settings file and those that it names and whose contents are settings.
    package let files: [String]
    fileprivate let reading: Reading

    /// A problem that shows only where the settings are put to use, with the place where `key` stands.
    package func problem(
        _ key: String, _ message: String, _ severity: SettingProblem.Severity = .error
    ) -> SettingProblem {
        var reading = Reading(continuing: reading)
        reading.report(key, message, severity)
        return reading.problems[0]
    }
}

extension Settings {
    /// Reads and checks the file at `path` and the environment's `GATEHOUSE_` variables.
    ///
    /// Relative paths in it start from the file's own folder. Throws every problem at once, in order.
    package static func load(path: String, environment: [String: String]) throws(SettingsError) -> LoadedSettings {
        let octets: [UInt8]
        do {
            // A settings file is some kilobytes; this bounds a wrong path.
            octets = try FilePath.read(path, limit: 4 * 1_024 * 1_024)
        } catch {
            throw SettingsError(problems: [.about(path, error.message)], files: [path])
        }
        guard let text = String(validating: octets, as: UTF8.self) else {
            throw SettingsError(problems: [.about(path, "is not UTF-8")], files: [path])
        }
        return try read(text, file: path, folder: FilePath.folder(of: path), environment: environment)
    }

    /// Checks settings that are at hand as text. `file` is how problems name it, `folder` is absolute.
    package static func read(
        _ text: String, file: String, folder: String, environment: [String: String]
    ) throws(SettingsError) -> LoadedSettings {
        var document = YAMLText(text, file: file)
        let written = document.read()
        if written == nil, !document.problems.isEmpty { throw SettingsError(problems: document.problems.sorted(), files: [file]) }

        var root = written ?? Entry(path: "", origin: .file(line: 1, column: 1), value: .null)
        var overrides = Overrides(environment, file: file)
        overrides.apply(to: &root, keys: Settings.keys)

        var reading = Reading(file: file, folder: folder)
        reading.adopt(document.problems)
        reading.adopt(overrides.problems)
        var settings = Settings()
        reading.section(root, &settings)
        settings.settle(reading)
        var check = CrossCheck(settings: settings, reading: reading)
        check.run()

        let problems = Array(Set(check.reading.problems)).sorted()
        let files = [file] + check.reading.files
        if problems.contains(where: { $0.severity == .error }) { throw SettingsError(problems: problems, files: files) }
        return LoadedSettings(settings: settings, warnings: problems, files: files, reading: reading)
    }

    /// Puts in what follows from other keys, so that printed settings show what holds.
    private mutating func settle(_ reading: Reading) {
        users.store.settle(folder: reading.folder)
        sessions.store.settle(folder: reading.folder)
        log.audit.settle(folder: reading.folder)
        login.throttle.store?.settle(folder: reading.folder)
        users.rehash = users.rehash ?? !users.isForeign
        if !reading.isWritten("login.allow") {
            login.allow = tokens.isConfigured ? [.session, .token] : [.session]
        }
        for index in routes.indices where routes[index].accept.isEmpty && routes[index].access == .signedIn {
            routes[index].accept = login.allow
        }
        for index in routes.indices {
            routes[index].require.user = routes[index].require.user.map {
                // Checked when it was read; what is no name stays what nobody matches.
                (try? UserName($0, users.usernames.comparison).text) ?? $0
            }
        }
    }
}

extension StoreURL {
    fileprivate mutating func settle(folder: String) {
        switch self {
        case .sqlite(let path): self = .sqlite(path: FilePath.resolve(path, from: folder))
        case .postgresql(var postgresql):
            // Of libpq's own: the certificates that the operating system trusts.
            if let path = postgresql.parameters[.sslrootcert], path != "system" {
                postgresql.parameters[.sslrootcert] = FilePath.resolve(path, from: folder)
            }
            self = .postgresql(postgresql)
        case .redis(var redis):
            for (parameter, path) in redis.parameters where parameter.isFile {
                redis.parameters[parameter] = FilePath.resolve(path, from: folder)
            }
            self = .redis(redis)
        case .memory: break
        }
    }
}

extension SettingProblem {
    fileprivate static func about(_ file: String, _ message: String) -> SettingProblem {
        SettingProblem(severity: .error, file: file, origin: .file(line: 1, column: 1), path: "", message: message)
    }
}
