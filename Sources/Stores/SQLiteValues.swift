internal import Access
internal import GRDB

extension Row {
    /// The column's text, of at most `limit` octets; nil when it is something else. GRDB's own conversions end the
    /// process when a column holds what they do not expect, and a file may hold anything.
    func text(_ column: Int, atMost limit: Int) -> String? {
        let value: DatabaseValue = self[column]
        guard case .string(let text) = value.storage, text.utf8.count <= limit else { return nil }
        return text
    }

    /// The column's integer; nil when it is something else.
    func integer(_ column: Int) -> Int64? {
        let value: DatabaseValue = self[column]
        guard case .int64(let number) = value.storage else { return nil }
        return number
    }
}

extension SQLiteDatabase {
    /// `octets` as text that SQLite keeps unchanged.
    /// A NUL would cut it short where GRDB hands it over, so that one name would be looked up as another.
    static func text(_ octets: [UInt8], _ what: StaticString) throws(StoreError) -> String {
        guard !octets.contains(0), let text = String(validating: octets, as: UTF8.self) else {
            throw .conflict("\(what) is not UTF-8 text without NUL, and cannot be stored")
        }
        return text
    }
}
