package import Access

/// Where somebody else's users stand, and what their columns are called there.
///
/// Both sources become one SELECT whose columns have our names (`id`, `username`, `password_hash`, and where they are there `role` or
/// `roles`, and `disabled` or `active`). Every look-up asks this SELECT as if it were a view, so that a user is found by name, by id
/// and in a list without three queries that could disagree.
package struct UserMapping: Sendable, Equatable {
    package struct Columns: Sendable, Equatable {
        package var id = "id"
        package var username = "username"
        package var passwordHash = "password_hash"
        /// One role, a list of them with commas, a JSON array, or an array of PostgreSQL. Nil: nobody has any.
        package var role: String?
        /// At most one of the two; with neither nobody is disabled.
        package var disabled: String?
        package var active: String?

        package init() {}
    }

    package enum Source: Sendable, Equatable {
        /// `schema` is nil where the name is looked up as the database does it.
        case table(schema: String?, name: String, Columns)
        /// A SELECT without an end.
        case query(String)
    }

    package var source: Source
    package var usernames = UserName.Comparison.exact
    /// Whether `setPasswordHash` may change the table. Only a table can be changed, and no query.
    package var rehashes = false

    package init(_ source: Source) { self.source = source }

    /// The names of the columns that every SELECT of ours has, and those that it may have.
    static let needed = ["id", "username", "password_hash"]
    static let optional = ["role", "roles", "disabled", "active"]

    /// As messages name it.
    package var name: String {
        switch source {
        case .table(let schema, let name, _): schema.map { "\($0).\(name)" } ?? name
        case .query: "users.query"
        }
    }

    /// The SELECT, in parentheses.
    var relation: String {
        switch source {
        case .table(_, _, let columns):
            let list = columns.named.map { "\(Self.quoted($0.column)) AS \($0.name)" }.joined(separator: ", ")
            return "(SELECT \(list) FROM \(quotedTable))"
        // The line's end ends a comment, too.
        case .query(let text): return "(\(text)\n)"
        }
    }

    /// For statements that a query has no use for.
    var quotedTable: String {
        guard case .table(let schema, let name, _) = source else { return "" }
        return (schema.map { Self.quoted($0) + "." } ?? "") + Self.quoted(name)
    }

    /// A name as both databases take it, whatever is in it (SQL's delimited identifier).
    package static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

    /// Whether a row of this name is the one that was asked for: databases compare by rules of their own, such as a column's collation.
    func isSame(_ found: String, _ asked: String) -> Bool {
        guard let name = try? UserName(found, usernames) else { return false }
        return name.bytes.elementsEqual(asked.utf8)
    }
}

extension UserMapping.Columns {
    /// Our names, and the table's.
    var named: [(name: String, column: String)] {
        var named = [("id", id), ("username", username), ("password_hash", passwordHash)]
        if let role { named.append(("role", role)) }
        if let disabled { named.append(("disabled", disabled)) }
        if let active { named.append(("active", active)) }
        return named
    }
}
