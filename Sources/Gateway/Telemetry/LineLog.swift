import Glibc
package import Loop
import Synchronization
import Wire

/// Whole lines for one descriptor, from all workers, written by one thread of its own.
///
/// A worker never waits for it. When the reader of the lines is slower than they come, they wait in a bounded queue; what finds no
/// room there is dropped and counted. The access log and the audit log share one where they share a descriptor, because two writers
/// could tear each other's lines in a pipe (pipe(7)). Room is set aside for the audit log, so that no flood of requests drops its lines.
package final class LineLog: Sendable {
    package enum Kind: Int, Sendable, CaseIterable { case access, audit }

    /// Octets of access lines that wait or are being written.
    package static let standardCapacity = 8 << 20
    /// Octets that audit lines alone may fill, besides.
    package static let standardReserve = 2 << 20

    private struct Queue {
        var batches: [Batch] = []
        var octets = 0
        var isClosing = false
    }

    private struct Batch {
        let lines: [UInt8]
        let kind: Kind
    }

    private let capacity: Int
    private let reserve: Int
    private let queue = Mutex(Queue())
    /// The writer sleeps on it.
    private let bell: Bell
    /// Rung once, by the writer, when it has ended.
    private let ended: Bell
    /// By `Kind`.
    private let lost: [2 of Atomic<UInt64>] = InlineArray { _ in Atomic(0) }

    /// Starts the writer.
    /// - Parameters:
    ///   - name: what the reports call it, such as "the access log".
    ///   - descriptor: where the lines go; it stays the caller's.
    ///   - capacity: octets that may wait, over all workers.
    ///   - reserve: octets of audit lines that may wait besides.
    ///   - prepare: called before each batch is written, on the writer's thread.
    ///   - report: told when the lines can no longer be written, and when they can again. Called on the writer's thread.
    package init(
        name: String, descriptor: Int32, capacity: Int = standardCapacity, reserve: Int = standardReserve,
        prepare: @escaping @Sendable () -> Void = {}, report: @escaping @Sendable (String) -> Void
    ) throws(SystemError) {
        self.capacity = capacity
        self.reserve = reserve
        bell = try Bell()
        ended = try Bell()
        _ = try Thread.start(name: "log-writer") {
            self.write(to: LogOutput(name: name, descriptor: descriptor, report: report), prepare)
        }
    }

    /// Lines that did not reach the descriptor.
    package func dropped(_ kind: Kind) -> UInt64 { lost[kind.rawValue].load(ordering: .relaxed) }

    /// Takes a batch of whole lines, or drops it where there is no room. For any thread; never blocks on the log's reader.
    /// - Returns: false when it was dropped.
    @discardableResult
    func submit(_ lines: [UInt8], count: UInt64, _ kind: Kind = .access) -> Bool {
        let isTaken = queue.withLock { queue in
            let room = kind == .audit ? capacity + reserve : capacity
            guard lines.count <= room - queue.octets else { return false }
            queue.octets += lines.count
            queue.batches.append(Batch(lines: lines, kind: kind))
            return true
        }
        if isTaken { bell.ring() } else { lost[kind.rawValue].add(count, ordering: .relaxed) }
        return isTaken
    }

    /// Writes what waits and ends the writer; call once the workers have stopped.
    /// - Returns: false when the reader of the log did not take it all within `milliseconds`.
    package func close(within milliseconds: Int32 = 5_000) -> Bool {
        queue.withLock { $0.isClosing = true }
        bell.ring()
        return ended.wait(milliseconds: milliseconds)
    }

    // MARK: The writer's thread

    private func write(to output: consuming LogOutput, _ prepare: () -> Void) {
        while true {
            let (batches, isClosing) = queue.withLock { queue in
                var batches: [Batch] = []
                swap(&batches, &queue.batches)
                return (batches, queue.isClosing)
            }
            for batch in batches {
                prepare()
                let count = output.write(batch.lines)
                if count > 0 { lost[batch.kind.rawValue].add(count, ordering: .relaxed) }
                queue.withLock { $0.octets -= batch.lines.count }
            }
            if !batches.isEmpty { continue }
            if isClosing { break }
            _ = bell.wait(milliseconds: -1)
        }
        ended.ring()
    }
}
