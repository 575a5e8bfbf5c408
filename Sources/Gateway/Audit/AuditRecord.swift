import Wire

/// One line of the audit log: a JSON object with always the same members in the same order, null where there is nothing to say.
///
///     {"audit":1,"time":"2026-07-30T12:34:56.789Z","event":"sign_in","outcome":"ok","reason":null,"user_id":"101",
///      "username":"alice","role":"user","client":"192.0.2.7","request_id":"…","trace_id":"…","route":null,
///      "session":"oLw3b1dPq0mC2hYx","token":null,"ended":null,"actor":null}
///
/// `audit`, the first member, tells the line from one of the access log, and counts the versions of this format: members may be added
/// within one. `actor` is `{"uid":0,"login":"root"}` for a command, and null for a request. Every text is escaped and bounded, so no
/// client can end a line or make a long one (rule 46).
struct AuditRecord {
    /// Milliseconds since 1970.
    let time: Int64
    let event: AuditEvent
    let actor: AuditActor

    /// Octets of one text; more than any id, name, role or route that the settings and stores allow.
    static let longestText = 512

    func append(to out: Buffer) {
        out.append("{\"audit\":1,\"time\":\"")
        Timestamp.append(milliseconds: time, .milliseconds, to: out)
        out.append("\"")
        append("event", event.name.rawValue, to: out)
        append("outcome", event.outcome.rawValue, to: out)
        append("reason", event.reason?.rawValue, to: out)
        append("user_id", event.userID, to: out)
        append("username", event.username, to: out)
        append("role", event.role, to: out)
        appendOrigin(to: out)
        append("session", event.session, to: out)
        append("token", event.token, to: out)
        out.append(",\"ended\":")
        if let ended = event.ended { out.append(decimal: UInt64(clamping: ended)) } else { out.append("null") }
        appendActor(to: out)
        out.append("}\n")
    }

    private func appendOrigin(to out: Buffer) {
        guard case .client(let client) = actor else {
            return out.append(",\"client\":null,\"request_id\":null,\"trace_id\":null,\"route\":null")
        }
        out.append(",\"client\":\"")
        client.address.append(to: out)
        out.append("\",\"request_id\":\"")
        client.requestID.append(to: out)
        out.append("\",\"trace_id\":\"")
        client.traceID.append(to: out)
        out.append("\"")
        append("route", client.route, to: out)
    }

    private func appendActor(to out: Buffer) {
        guard case .person(let person) = actor else { return out.append(",\"actor\":null") }
        out.append(",\"actor\":{\"uid\":")
        out.append(decimal: UInt64(person.uid))
        append("login", person.login, to: out)
        out.append("}")
    }

    private func append(_ name: StaticString, _ text: String?, to out: Buffer) { append(name, text.map { Array($0.utf8) }, to: out) }

    private func append(_ name: StaticString, _ octets: [UInt8]?, to out: Buffer) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
        if let octets { JSONWriter.appendString(Array(octets.prefix(AuditRecord.longestText)), to: out) } else { out.append("null") }
    }
}
