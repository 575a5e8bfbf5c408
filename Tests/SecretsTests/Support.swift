import Testing

@testable import Secrets

/// The octets of hexadecimal digits.
func hex(_ digits: String) -> [UInt8] {
    let values = digits.utf8.map { $0 <= 0x39 ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}

/// `count` octets, all `octet`.
func run(_ octet: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: octet, count: count) }

/// A secret that passes for one: 32 different octets.
let goodSecret = (0..<32).map { UInt8($0 * 7 + 1) }
