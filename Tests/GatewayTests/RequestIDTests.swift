import Testing

@testable import Gateway

@Suite("RequestID")
struct RequestIDTests {
    @Test("Ids are 32 lower-case hexadecimal digits, and no two are the same")
    func unique() {
        var source = RequestIDSource(seed: 0x0123_4567_89ab_cdef)
        let ids = (0..<100_000).map { _ in source.next() }
        #expect(Set(ids.map(\.low)).count == ids.count)
        for id in ids.prefix(1_000) {
            #expect(id.text.utf8.count == 32)
            #expect(id.text.hasPrefix("0123456789abcdef"))
            #expect(id.text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        }
    }
}
