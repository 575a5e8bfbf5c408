extension Buffer {
    /// Writes a field line anew from its parsed parts: name, colon, SP, value, CRLF (RFC 9112 5).
    package func append(_ field: HeaderField, from source: Buffer) {
        let name = field.name
        let value = field.value
        unsafe source.withReadable { octets in
            _ = unsafe withWritable((name.end &- name.start) &+ (value.end &- value.start) &+ 4) { space in
                precondition(name.end <= octets.count && value.end <= octets.count && name.start >= 0 && value.start >= 0)
                var end = 0
                for index in name.start..<name.end {
                    unsafe space[end] = octets[index]
                    end &+= 1
                }
                unsafe space[end] = .ascii(":")
                unsafe space[end &+ 1] = 0x20
                end &+= 2
                let count = value.end &- value.start
                if count > 0, let to = space.baseAddress, let from = octets.baseAddress {
                    unsafe (to + end).copyMemory(from: from + value.start, byteCount: count)
                    end &+= count
                }
                unsafe space[end] = .cr
                unsafe space[end &+ 1] = .lf
                return end &+ 2
            }
        }
    }
}
