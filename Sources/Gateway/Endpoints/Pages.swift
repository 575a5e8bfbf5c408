/// The pages that people see. Plain HTML without scripts.
package enum Pages {
    static func problem(_ problem: Problem, requestID: String) -> Answer {
        Answer(status: problem.status, contentType: "text/html; charset=utf-8", body: Array(problem.detail.utf8))
    }
}
