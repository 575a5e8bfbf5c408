import Glibc

/// What the operating system says about this process, named as Prometheus' own clients name it.
struct ProcessFigures {
    /// Nanoseconds, user and system.
    let processorTime: UInt64
    /// Octets; 0 where /proc cannot be read.
    let residentMemory: UInt64
    let openFiles: UInt64
    let maxFiles: UInt64

    init() {
        var usage = rusage()
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        processorTime = ProcessFigures.nanoseconds(usage.ru_utime) &+ ProcessFigures.nanoseconds(usage.ru_stime)
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        maxFiles = UInt64(limit.rlim_cur)
        residentMemory = ProcessFigures.residentPages() &* UInt64(clamping: sysconf(Int32(_SC_PAGESIZE)))
        openFiles = ProcessFigures.countOpenFiles()
    }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_usec) &* 1_000
    }

    /// The second number in /proc/self/statm (proc(5)).
    private static func residentPages() -> UInt64 {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe read(descriptor, &text, text.count)
        let words = text.prefix(max(0, count)).split(separator: 0x20)
        return words.count > 1 ? UInt64(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
    }

    /// From Linux 6.2 on the size of /proc/self/fd is their number; before, they have to be counted.
    private static func countOpenFiles() -> UInt64 {
        var status = stat()
        if unsafe stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return UInt64(status.st_size) }
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count: UInt64 = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // ".", ".." and the descriptor that they are read by.
        return count > 3 ? count - 3 : 0
    }
}
