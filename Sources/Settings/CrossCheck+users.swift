extension CrossCheck {
    mutating func checkUsers() {
        let users = settings.users
        let columns = users.columns
        if users.table != nil, users.query != nil { reading.report("users.query", "only one of users.table and users.query can be given") }
        if columns != UserColumns(), users.table == nil {
            reading.report(
                "users.columns",
                users.query == nil
                    ? "names columns of users.table, which is not given"
                    : "names columns of users.table; a query gives its columns their names itself: email AS username")
        }
        if columns.role != nil, columns.roles != nil {
            reading.report("users.columns.roles", "only one of users.columns.role and users.columns.roles can be given")
        }
        if columns.disabled != nil, columns.active != nil {
            reading.report("users.columns.active", "only one of users.columns.disabled and users.columns.active can be given")
        }
        if case .sqlite = users.store, let schema = users.table?.schema {
            reading.report("users.table", "a SQLite file has no schemas; leave `\(schema).` out")
        }
        if users.query != nil, users.rehash == true {
            reading.report("users.rehash", "needs users.table: there is no telling where a query's hashes stand")
        }
        if users.table != nil, columns.disabled == nil, columns.active == nil {
            reading.report(
                "users.columns", "names neither disabled nor active, so everybody in the table can sign in", .warning)
        }
        checkFailureCounts()
    }

    /// Rule 35: failed sign-ins are counted where a restart does not forget them.
    private mutating func checkFailureCounts() {
        if let store = settings.login.throttle.store { check(store, settings.login.throttle.password, in: "login.throttle") }
        if settings.login.throttle.store == nil, let password = settings.login.throttle.password {
            reading.report(
                "login.throttle.password\(password.file == nil ? "" : "_file")", "belongs to login.throttle.store, which is not given")
        }
        guard settings.users.isForeign else { return }
        switch settings.failureStore {
        case .redis, .memory:
            reading.report(
                "login.throttle.store",
                "is needed: failed sign-ins cannot be counted in another program's users table, and sessions.store is no database; "
                    + "sqlite:throttle.db will do, or a postgresql:// for several gateways")
        case .sqlite, .postgresql: break
        }
        guard case .sqlite = settings.users.store else { return }
        for (path, store) in [("sessions.store", settings.sessions.store), ("login.throttle.store", settings.login.throttle.store)]
        where store == settings.users.store {
            reading.report(
                path, "is the other program's file (users.store); gatehouse keeps its own tables in a file of its own: sqlite:gatehouse.db")
        }
    }
}
