import Glibc
package import Loop
import Synchronization
import Wire

/// The access log: the lines of all workers, written by one thread in batches.
///
/// A worker never waits for it. When the reader of the log is slower than the lines come, they wait in a bounded queue; what finds no
/// room there is dropped and counted.
package final class AccessLog: Sendable {
    package enum Format: Sendable {
        case json, text
    }

    /// Octets that wait or are being written.
    package static let standardCapacity = 8 << 20
    /// Octets of lines at which a worker hands them over before its next tick.
    static let batch = 32_768

    private struct Queue {
        var batches: [[UInt8]] = []
        var octets = 0
        var isClosing = false
    }

    private let capacity: Int
    private let queue = Mutex(Queue())
    /// The writer sleeps on it.
    private let bell: Bell
    /// Rung once, by the writer, when it has ended.
    private let ended: Bell
    private let lost = Atomic<UInt64>(0)

    /// Starts the writer.
    /// - Parameters:
    ///   - descriptor: where the lines go; it stays the caller's.
    ///   - capacity: octets that may wait, over all workers.
    ///   - report: told when the log can no longer be written, and when it can again. Called on the writer's thread.
    package init(
        descriptor: Int32 = STDOUT_FILENO, capacity: Int = standardCapacity,
        report: @escaping @Sendable (String) -> Void
    ) throws(SystemError) {
        self.capacity = capacity
        bell = try Bell()
        ended = try Bell()
        _ = try Thread.start(name: "access-log") { self.write(to: LogOutput(descriptor: descriptor, report: report)) }
    }

    /// Lines that did not reach the log.
    package var dropped: UInt64 { lost.load(ordering: .relaxed) }

    /// Takes a batch of whole lines, or drops it where there is no room. For any thread; never blocks on the log's reader.
    func submit(_ batch: [UInt8], lines: UInt64) {
        let isTaken = queue.withLock { queue in
            guard batch.count <= capacity - queue.octets else { return false }
            queue.octets += batch.count
            queue.batches.append(batch)
            return true
        }
        if isTaken { bell.ring() } else { lost.add(lines, ordering: .relaxed) }
    }

    /// Writes what waits and ends the writer; call once the workers have stopped.
    /// - Returns: false when the reader of the log did not take it all within `milliseconds`.
    package func close(within milliseconds: Int32 = 5_000) -> Bool {
        queue.withLock { $0.isClosing = true }
        bell.ring()
        return ended.wait(milliseconds: milliseconds)
    }

    // MARK: The writer's thread

    private func write(to output: consuming LogOutput) {
        while true {
            let (batches, isClosing) = queue.withLock { queue in
                var batches: [[UInt8]] = []
                swap(&batches, &queue.batches)
                return (batches, queue.isClosing)
            }
            for batch in batches {
                let lines = output.write(batch)
                if lines > 0 { lost.add(lines, ordering: .relaxed) }
                queue.withLock { $0.octets -= batch.count }
            }
            if !batches.isEmpty { continue }
            if isClosing { break }
            _ = bell.wait(milliseconds: -1)
        }
        ended.ring()
    }
}
