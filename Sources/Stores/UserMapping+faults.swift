// What a users table can lack, in the words of both databases.

extension UserMapping {
    /// `there`: the columns of the table.
    func missing(from there: [String]) -> [UserTableFault] {
        guard case .table(_, _, let columns) = source else { return [] }
        return columns.named.compactMap { key, column in
            if there.contains(where: { $0.utf8.elementsEqual(column.utf8) }) { return nil }
            return UserTableFault(
                "columns.\(key)", "\(name) has no column \(Self.quoted(column)); it has \(there.joined(separator: ", "))")
        }
    }

    /// `there`: the columns of the query's result.
    func faults(ofQueryWith there: [String]) -> [UserTableFault] {
        var faults = Self.needed.filter { !there.contains($0) }.map {
            UserTableFault("query", "its result has no column \($0); write what holds it AS \($0)")
        }
        faults += there.filter { !(Self.needed + Self.optional).contains($0) }.map {
            UserTableFault(
                "query",
                "its result has a column \(Self.quoted($0)), which is none of \((Self.needed + Self.optional).joined(separator: ", "))")
        }
        faults += [("role", "roles"), ("disabled", "active")].filter { there.contains($0) && there.contains($1) }.map {
            UserTableFault("query", "its result has both \($0) and \($1); one of them is enough")
        }
        faults += Set(there.filter { column in there.count(where: { $0 == column }) > 1 }).sorted().map {
            UserTableFault("query", "its result has more than one column \(Self.quoted($0))")
        }
        return faults
    }
}
