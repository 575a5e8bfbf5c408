import Access
import Wire

extension PresentedCredentials.Bearer {
    /// What the request's `Authorization` lines say.
    init(_ head: RequestHead) {
        let range = head.value(of: .authorization) ?? .empty
        let bytes = head.bytes
        self.init(value: bytes.span(range), at: range, lines: head.count(of: .authorization))
    }
}
