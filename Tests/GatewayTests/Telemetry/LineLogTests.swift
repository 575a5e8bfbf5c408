import Glibc
import Loop
import Testing

@testable import Gateway

private func line(_ number: Int, length: Int = 100) -> [UInt8] {
    let text = "\(number) "
    return Array(text.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: length - text.utf8.count - 1) + [0x0A]
}

private func numbers(_ octets: [UInt8]) -> [Int] {
    octets.split(separator: 0x0A).compactMap { Int(String(decoding: $0.prefix { $0 != 0x20 }, as: UTF8.self)) }
}

@Suite("LineLog")
struct LineLogTests {
    @Test("All that was submitted is written, in order, before close returns")
    func everything() throws {
        let pipe = TestPipe(capacity: 1 << 20)
        let log = try LineLog(name: "the log", descriptor: pipe.writeEnd) { _ in }
        for number in 0..<2_000 { log.submit(line(number), count: 1) }
        #expect(log.close())
        pipe.closeWriteEnd()
        #expect(numbers(pipe.read(1 << 20)) == Array(0..<2_000))
        #expect(log.dropped(.access) == 0)
    }

    @Test("A reader that is slow gets all of it, through a pipe smaller than a batch")
    func partialWrites() throws {
        let pipe = TestPipe(capacity: 4_096)
        let log = try LineLog(name: "the log", descriptor: pipe.writeEnd) { _ in }
        for batch in 0..<10 {
            let lines = (0..<1_000).flatMap { line(batch * 1_000 + $0) }
            log.submit(lines, count: 1_000)
        }
        #expect(numbers(pipe.read(10 * 1_000 * 100)) == Array(0..<10_000))
        #expect(log.close())
        #expect(log.dropped(.access) == 0)
    }

    @Test("A reader that does not read costs the queue's memory and no more: further lines are dropped, and counted")
    func bounded() throws {
        let pipe = TestPipe(capacity: 4_096)
        let log = try LineLog(name: "the log", descriptor: pipe.writeEnd, capacity: 50_000) { _ in }
        for number in 0..<1_000 { log.submit(line(number), count: 1) }
        // The queue, and what the pipe has already taken; the writer holds on to a line until all of it is written.
        #expect(log.dropped(.access) >= 400 && log.dropped(.access) <= 500)
        #expect(!log.close(within: 50))
        let kept = numbers(pipe.read((1_000 - Int(log.dropped(.access))) * 100))
        #expect(kept.count == 1_000 - Int(log.dropped(.access)))
        #expect(kept == kept.sorted())
        #expect(log.close())
    }

    @Test("A descriptor that fails costs the lines, which are counted; it is said once, and the log goes on")
    func failing() throws {
        let pipe = TestPipe()
        let reports = Reports()
        // Nothing can be written into the read end: EBADF.
        let log = try LineLog(name: "the log", descriptor: pipe.readEnd) { reports.add($0) }
        log.submit(line(1) + line(2), count: 2)
        log.submit(line(3), count: 1)
        #expect(log.close())
        #expect(log.dropped(.access) == 3)
        #expect(reports.all.count == 1 && reports.all[0].contains("cannot be written"))
    }

    @Test("A line that an error cuts in two is ended before the next one")
    func cutLine() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = TestPipe(capacity: 4_096)
        var output = LogOutput(name: "the access log", descriptor: pipe.writeEnd) { _ in }
        // 4096 octets fit; the reader goes away while the rest waits.
        let readEnd = pipe.takeReadEnd()
        let closer = try Thread.start(name: "closer") {
            usleep(50_000)
            close(readEnd)
        }
        let lost = output.write((0..<60).flatMap { line($0) })
        closer.join()
        #expect(lost == 20)

        let next = TestPipe()
        dup2(next.writeEnd, pipe.writeEnd)
        #expect(output.write(line(60)) == 0)
        #expect(next.read(101) == [0x0A] + line(60))
        #expect(output.write(line(61)) == 0)
        #expect(next.read(100) == line(61))
    }

    @Test("A full disk: the lines are lost and counted, and the log says so once and again when it recovers")
    func fullDisk() {
        let full = unsafe open("/dev/full", O_WRONLY)
        defer { close(full) }
        let reports = Reports()
        var output = LogOutput(name: "the access log", descriptor: full) { reports.add($0) }
        #expect(output.write(line(1) + line(2)) == 2)
        #expect(output.write(line(3)) == 1)
        #expect(reports.all == ["the access log cannot be written: No space left on device"])
        // The descriptor gets well.
        let null = unsafe open("/dev/null", O_WRONLY)
        dup2(null, full)
        close(null)
        #expect(output.write(line(4)) == 0)
        #expect(reports.all.last == "the access log is written again, after 3 lost lines")
    }
}
