internal import CHiredis
internal import Wire

/// One command and its arguments, for a connection's output.
struct RedisCommand: Sendable {
    private var octets: [UInt8]
    private var lengths: [Int]

    /// `name` is a literal of ours; it is the only part that a message may repeat.
    let name: StaticString

    init(_ name: StaticString, _ arguments: [UInt8]...) {
        self.init(name, arguments)
    }

    init(_ name: StaticString, _ arguments: [[UInt8]]) {
        self.name = name
        octets = unsafe Array(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        lengths = [octets.count]
        for argument in arguments {
            octets += argument
            lengths.append(argument.count)
        }
    }

    /// The slot of a cluster that the key, its first argument, belongs to; nil without arguments.
    var slot: Int? {
        guard lengths.count > 1 else { return nil }
        return RedisSlot.of(octets[lengths[0]..<lengths[0] + lengths[1]])
    }

    /// Writes the command as an array of bulk strings, so that no argument can be read as another command.
    func append(to output: Buffer) throws(RedisProtocolError) {
        var formatted: UnsafeMutablePointer<CChar>?
        let count = unsafe octets.withUnsafeBytes { octets in
            var arguments: [UnsafePointer<CChar>?] = unsafe []
            var offset = 0
            for length in lengths {
                unsafe arguments.append(octets.baseAddress.map { unsafe ($0 + offset).assumingMemoryBound(to: CChar.self) })
                offset += length
            }
            return unsafe redisFormatCommandArgv(&formatted, CInt(lengths.count), &arguments, lengths)
        }
        guard count > 0, let formatted = unsafe formatted else { throw .outOfMemory }
        defer { unsafe redisFreeCommand(formatted) }
        unsafe output.append(UnsafeRawBufferPointer(start: formatted, count: Int(count)))
    }
}
