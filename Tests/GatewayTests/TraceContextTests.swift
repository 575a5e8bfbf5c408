import Testing
import Wire

@testable import Gateway

private let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
private let parent = "00f067aa0ba902b7"

private func id(_ text: String) -> TraceID? {
    let buffer = Buffer()
    buffer.append(text: text)
    return TraceContext.id(buffer.octets, ByteRange(offset: 0, count: buffer.count))
}

/// W3C Trace Context, Level 1: 3.2.2 and 4.3.
@Suite("TraceContext")
struct TraceContextTests {
    @Test(
        "Well formed, whatever the flags; a later version as far as it is known",
        arguments: [
            "00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-00", "00-\(trace)-\(parent)-ff", "01-\(trace)-\(parent)-01",
            "cc-\(trace)-\(parent)-01-what-the-future-will-be", "fe-\(trace)-\(parent)-01-",
        ])
    func good(_ text: String) {
        #expect(id(text) == TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
    }

    @Test(
        "Refused",
        arguments: [
            "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-0", "00-\(trace)-\(parent)-01-", "00-\(trace)-\(parent)-01x",
            "ff-\(trace)-\(parent)-01", "ff-\(trace)-\(parent)-01-x", "cc-\(trace)-\(parent)-01.x", "0x-\(trace)-\(parent)-01",
            "00-\(String(repeating: "0", count: 32))-\(parent)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01",
            "00-\(trace.uppercased())-\(parent)-01", "00-\(trace)-\(parent.uppercased())-01", "00-\(trace)-\(parent)-0A",
            "00_\(trace)-\(parent)-01", "00-\(trace)_\(parent)-01", "00-\(trace)-\(parent)_01", "00-\(trace.dropLast())g-\(parent)-01",
            " 00-\(trace)-\(parent)-01",
        ])
    func bad(_ text: String) {
        #expect(id(text) == nil)
    }
}
