import Access
import Wire

extension PresentedCredentials.Bearer {
    /// What the request's `Authorization` lines say.
    init(_ head: RequestHead) {
        guard let range = head.value(of: .authorization) else { self = .none; return }
        let bytes = head.bytes
        self.init(value: bytes.span(range), at: range, lines: head.count(of: .authorization))
    }
}
