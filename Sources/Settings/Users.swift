package import Access

/// Who can sign in: a table of our own, or somebody else's.
package struct Users: Sendable, Equatable {
    package enum Names: String, CaseIterable, Sendable {
        case exact
        case caseFolded = "case_folded"

        package var comparison: UserName.Comparison {
            switch self {
            case .exact: .exact
            case .caseFolded: .caseFolded
            }
        }
    }

    package internal(set) var store = StoreURL.sqlite(path: "gatehouse.db")
    /// Of the PostgreSQL server, when it does not stand in the URL.
    package internal(set) var password: Secret?
    /// At most one of these two; with neither the table is our own.
    package internal(set) var table: TableName?
    package internal(set) var query: String?
    package internal(set) var columns = UserColumns()
    package internal(set) var usernames = Names.exact
    /// Not nil once the settings are loaded.
    package internal(set) var rehash: Bool?

    package init() {}

    /// Whether the users belong to another program, so that we only read them.
    package var isForeign: Bool { table != nil || query != nil }

    /// As messages name it.
    package var place: String {
        if let table { return "\(table) in \(store)" }
        return query == nil ? "\(store)" : "users.query in \(store)"
    }
}

/// What the columns of somebody else's table are called; nil: as the key.
package struct UserColumns: Sendable, Equatable {
    package internal(set) var id: String?
    package internal(set) var username: String?
    package internal(set) var passwordHash: String?
    /// Of these, nil: there is none. At most one of each pair is given.
    package internal(set) var role: String?
    package internal(set) var roles: String?
    package internal(set) var disabled: String?
    package internal(set) var active: String?

    package init() {}
}

extension Users: Section {
    static var fields: [Field<Users>] {
        [.scalar("store", \.store, .userStore, "Where users are kept: sqlite:FILE, or postgresql://USER@HOST:PORT/DATABASE.")]
            + Field.secret("password", \.password, "The password of the PostgreSQL server.")
            + [
                .optional(
                    "table", \.table, .tableName,
                    "Another program's table in that store, such as users or app.users, which is only read; left out: gatehouse's own."),
                .section("columns", \.columns, "What the columns of users.table are called."),
                .optional(
                    "query", \.query, .select,
                    "In the place of table and columns: a SELECT of all users, with the columns id, username, password_hash, and as they "
                        + "are there role or roles, and disabled or active."),
                .scalar(
                    "usernames", \.usernames, .choice,
                    "When two user names are the same: exact, octet by octet; or case_folded, with the letters A to Z as a to z."),
                .optional(
                    "rehash", \.rehash, .boolean,
                    "Whether a password hash that is weaker than the settings ask for is replaced when its user signs in; left out: true "
                        + "for gatehouse's own table, false for another program's."),
            ]
    }
}

extension UserColumns: Section {
    static var fields: [Field<UserColumns>] {
        [
            .optional("id", \.id, .columnName, "The user's id, a whole number, text or uuid; left out: id."),
            .optional("username", \.username, .columnName, "What is typed to sign in; left out: username."),
            .optional("password_hash", \.passwordHash, .columnName, "A bcrypt or argon2id hash; left out: password_hash."),
            .optional("role", \.role, .columnName, "One role, or several: with commas, as a JSON array, or as PostgreSQL's text[]."),
            .optional("roles", \.roles, .columnName, "The same as role."),
            .optional(
                "disabled", \.disabled, .columnName,
                "Who may not sign in: true, 1, or the time since when; whatever is not plainly no locks the user out."),
            .optional("active", \.active, .columnName, "The contrary of disabled: who may sign in."),
        ]
    }
}
