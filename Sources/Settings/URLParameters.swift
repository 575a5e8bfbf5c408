/// What stands behind the `?` of a store's URL: of each parameter at most one, each of a few that are known.
enum URLParameters {
    /// - Parameters:
    ///   - scheme: for the messages.
    ///   - check: throws what is wrong with a value that is printable and neither empty nor longer than 1024 octets.
    static func read<Parameter: RawRepresentable<String> & CaseIterable & Hashable>(
        _ query: Substring, scheme: StaticString, check: (Parameter, String) throws(Fault) -> Void
    ) throws(Fault) -> [Parameter: String] {
        var parameters: [Parameter: String] = [:]
        for item in query.split(separator: "&") {
            // An unknown one is not repeated: a `?` in a password leads here.
            guard let (key, text) = item.cut(at: "="), let parameter = Parameter(rawValue: String(key)) else {
                let known = Parameter.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault("a \(scheme):// URL takes these parameters: \(known); write ? of a password as %3F")
            }
            guard let value = PercentText.decode(text), (1...1_024).contains(value.utf8.count), isPrintable(value) else {
                throw Fault("the value of \(key) is empty or not well percent-encoded")
            }
            try check(parameter, value)
            guard parameters.updateValue(value, forKey: parameter) == nil else { throw Fault("\(key) is given twice") }
        }
        return parameters
    }

    /// With the `?` in front; empty where there are none.
    static func text<Parameter: RawRepresentable<String> & CaseIterable & Hashable>(_ parameters: [Parameter: String]) -> String {
        let items = Parameter.allCases.compactMap { parameter in
            parameters[parameter].map { "\(parameter.rawValue)=\(PercentText.encode($0))" }
        }
        return items.isEmpty ? "" : "?\(items.joined(separator: "&"))"
    }

    /// What stands for a password in a URL that is printed. One of a key or file of its own is printed there.
    static func text(redacted password: Secret?) -> String {
        password.map { $0.file == nil ? ":\(PercentText.encode(Secret.redacted))" : "" } ?? ""
    }

    /// No control characters.
    static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}
