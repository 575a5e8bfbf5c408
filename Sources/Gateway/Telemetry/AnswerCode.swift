/// The values of the label `code`: a status that people ask about by itself, or the class of another, such as `4xx`. So an
/// upstream cannot make as many series as there are numbers, and `code=~"4.."` finds both.
enum AnswerCode {
    static let count = 32

    /// The place of `status` among the labels; 0 where the client got no answer.
    static func index(_ status: Int) -> Int {
        if let index = statuses.firstIndex(of: status) { return index }
        return statuses.count + (100..<600 ~= status ? status / 100 : 0)
    }

    static func label(_ index: Int) -> String {
        if index < statuses.count { return String(statuses[index]) }
        return index == statuses.count ? "none" : "\(index - statuses.count)xx"
    }

    /// The most frequent one first: it is searched for from the front.
    private static let statuses: [Int] = [
        200, 304, 204, 401, 303, 201, 206, 301, 302, 307, 308, 400, 403, 404, 405, 408, 409, 413, 422, 429, 431, 500, 501, 502,
        503, 504,
    ]
}
