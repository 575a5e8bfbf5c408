import Wire

/// Prometheus' text format, version 0.0.4.
struct MetricsText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Label = (name: String, value: any LabelValue)

    let out = Buffer()

    /// Begins a family: its samples follow.
    func family(_ name: String, _ kind: Kind, _ help: String) {
        out.append(text: "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    func sample(_ name: String, _ labels: [Label], _ value: UInt64) {
        begin(name, labels)
        out.append(decimal: value)
        out.append(UInt8(ascii: "\n"))
    }

    /// `nanoseconds` in seconds.
    func sample(_ name: String, _ labels: [Label], seconds nanoseconds: UInt64) {
        begin(name, labels)
        out.append(decimal: nanoseconds / 1_000_000_000)
        out.append(UInt8(ascii: "."))
        let digits = String(nanoseconds % 1_000_000_000)
        out.append(text: String(repeating: "0", count: 9 - digits.utf8.count) + digits)
        out.append(UInt8(ascii: "\n"))
    }

    private func begin(_ name: String, _ labels: [Label]) {
        out.append(text: name)
        for (index, label) in labels.enumerated() {
            out.append(index == 0 ? "{" : ",")
            out.append(text: label.name)
            out.append("=\"")
            for octet in label.value.octets { append(escaped: octet) }
            out.append(UInt8(ascii: "\""))
        }
        out.append(labels.isEmpty ? " " : "} ")
    }

    private func append(escaped octet: UInt8) {
        switch octet {
        case UInt8(ascii: "\n"): out.append("\\n")
        case UInt8(ascii: "\\"), UInt8(ascii: "\""):
            out.append(UInt8(ascii: "\\"))
            out.append(octet)
        default: out.append(octet)
        }
    }
}

/// Text of ours, or octets from the settings.
protocol LabelValue {
    var octets: [UInt8] { get }
}

extension String: LabelValue {
    var octets: [UInt8] { Array(utf8) }
}

extension [UInt8]: LabelValue {
    var octets: [UInt8] { self }
}
