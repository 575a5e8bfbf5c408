package import Gateway
package import Loop
import Wire

/// The demo's upstream: `GET /profile` answers with the profile of the user whom the gateway names, `GET /public/…`
/// with a greeting for everybody.
package final class ProfileHandler: Handler {
    private let database: ProfileDatabase
    private let pool: BlockingPool

    /// - Parameter pool: where the database is asked; shared by all workers.
    package init(database: ProfileDatabase, pool: BlockingPool) {
        self.database = database
        self.pool = pool
    }

    package func handle(_ exchange: Exchange) async {
        do throws(Problem) {
            try await exchange.answer(answer(to: exchange.head))
        } catch {
            var answer = error.answer(for: exchange)
            if error.status == 405 { answer = answer.adding("Allow", "GET, HEAD") }
            await exchange.answer(answer)
        }
    }

    package func record(_ exchange: Exchange) {}

    package func tick() {}

    func answer(to head: RequestHead) async throws(Problem) -> Answer {
        let isProfile = head.bytes.equals(head.path, "/profile")
        guard isProfile || ProfileHandler.isPublic(head) else { throw Problem(404, "There is nothing at this address.") }
        guard head.method == .get || head.method == .head else { throw Problem(405, "Only GET and HEAD are allowed here.") }
        if !isProfile { return .json("{\"message\":\"Hello, whoever you are.\"}\n") }

        let caller = try Caller(head)
        guard let profile = try await find(caller.userID) else { throw Problem(404, "This user has no profile.") }
        return .json(ProfileHandler.json(profile, for: caller))
    }

    private static func isPublic(_ head: RequestHead) -> Bool {
        let prefix = ByteRange(offset: head.path.start, count: min(8, head.path.end - head.path.start))
        return head.bytes.equals(prefix, "/public/")
    }

    private func find(_ userID: [UInt8]) async throws(Problem) -> Profile? {
        let id = String(decoding: userID, as: UTF8.self)
        let result: Result<Profile?, ProfileDatabase.Fault>
        do {
            result = try await pool.run { [database] in
                Result { () throws(ProfileDatabase.Fault) in try database.find(userID: id) }
            }
        } catch {
            throw Problem(503, "Too many profiles are asked for. Try again in a moment.", retryAfter: 1)
        }
        do {
            return try result.get()
        } catch {
            throw Problem(503, "The profiles cannot be read at the moment.", retryAfter: 1, note: error.description)
        }
    }

    /// `{"user_id":"101","username":"alice","role":"user","display_name":…,"email":…,"bio":…}`; without the name and the role
    /// where the gateway does not say them.
    static func json(_ profile: Profile, for caller: Caller) -> [UInt8] {
        let out = Buffer()
        out.append("{\"user_id\":")
        JSONWriter.appendString(caller.userID, to: out)
        append("username", caller.username, to: out)
        append("role", caller.role, to: out)
        append("display_name", Array(profile.displayName.utf8), to: out)
        append("email", Array(profile.email.utf8), to: out)
        append("bio", Array(profile.bio.utf8), to: out)
        out.append("}\n")
        return out.array(ByteRange(offset: 0, count: out.count))
    }

    private static func append(_ name: StaticString, _ value: [UInt8]?, to out: Buffer) {
        guard let value else { return }
        out.append(",\"")
        out.append(name)
        out.append("\":")
        JSONWriter.appendString(value, to: out)
    }
}

extension Answer {
    fileprivate static func json(_ body: [UInt8]) -> Answer { Answer(status: 200, contentType: "application/json", body: body) }
    fileprivate static func json(_ body: String) -> Answer { json(Array(body.utf8)) }
}
