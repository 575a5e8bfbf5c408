/// A message that is not what the protocol allows, or that is more than we take. Nothing is read on after it: answer and close.
package struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    package let reason: Reason
    /// The line of the head that is at fault, the start line being 1; nil where a line says nothing.
    package let line: Int?

    package init(_ reason: Reason, line: Int? = nil) {
        self.reason = reason
        self.line = line
    }

    /// What a server answers: 400, 414, 431, 501 or 505. A fault of an upstream is the gateway's 502, whatever stands here.
    package var status: Int {
        switch reason {
        case .startLineTooLong: 414
        case .fieldsTooLarge, .tooManyFields, .trailersTooLarge, .tooManyTrailers: 431
        case .codingUnsupported: 501
        case .versionUnsupported: 505
        default: 400
        }
    }

    package var description: String {
        line.map { "\(reason.rawValue) (line \($0) of the head)" } ?? reason.rawValue
    }

    /// One case a fault; the raw value says what is wrong, and where, in one sentence.
    package enum Reason: String, Sendable, CaseIterable {
        // Lines
        case emptyLines = "More than one empty line stands before the start line."
        case bareLF = "A line of the head ends in LF without CR."
        case bareCR = "A CR stands in the head without its LF."

        // Start line
        case startLineTooLong = "The start line is longer than allowed."
        case requestLineMalformed = "The request line is not a method, a target and a version with one space between them."
        case invalidMethod = "The method holds an octet that no token may hold."
        case versionMalformed = "The start line has no HTTP version where one has to stand."
        case versionUnsupported = "The HTTP version is neither 1.0 nor 1.1."
        case statusLineMalformed = "The status line is not a version, a status and a reason."
        case invalidStatus = "The status is not three digits from 100 to 599."
        case invalidReason = "The reason phrase holds a control octet."

        // Target
        case invalidTarget = "The request target holds an octet that is not visible ASCII."
        case targetForm = "The request target is of a form that its method does not have."
        case targetFragment = "The request target holds a '#'."
        case targetAuthority = "The authority of the request target is not a host with an optional port."
        case pathBackslash = "The path holds a backslash."
        case pathEscape = "The path holds a '%' without two hexadecimal digits behind it."
        case pathEncodedSeparator = "The path holds an encoded slash or backslash."
        case pathEncodedControl = "The path holds an encoded control octet."
        case pathDotSegment = "The path holds a segment that climbs, or a dot segment that is encoded or has parameters."
        case pathOverlong = "The path holds an encoding that no UTF-8 text has."

        // Fields
        case fieldsTooLarge = "The fields of the head are larger than allowed."
        case tooManyFields = "The head has more fields than allowed."
        case spaceBeforeFirstField = "White space stands before the first field."
        case foldedLine = "A field is continued on the next line."
        case colonMissing = "A field line has no colon."
        case emptyName = "A field has no name."
        case spaceInName = "White space stands in or behind a field name."
        case invalidName = "A field name holds an octet that no token may hold."
        case controlInValue = "A field value holds a control octet."
        case hostMissing = "The request has no Host."
        case hostRepeated = "The request has more than one Host."
        case invalidHost = "Host is not a host with an optional port."
        case hostDiffers = "Host differs from the authority of the request target."
        case invalidConnection = "Connection holds something that is not a token."
        case tooManyOptions = "Connection holds more options than allowed."

        // Framing
        case lengthAndCoding = "The message has both Content-Length and Transfer-Encoding."
        case lengthRepeated = "The message has more than one Content-Length."
        case invalidLength = "Content-Length is not one number of 1 to 18 decimal digits."
        case lengthForbidden = "A response that cannot have content has a Content-Length other than 0."
        case codingRepeated = "The message has more than one Transfer-Encoding."
        case invalidCoding = "Transfer-Encoding is not a list of codings that ends in one 'chunked'."
        case codingUnsupported = "The message has a transfer coding other than 'chunked'."
        case codingInHTTP10 = "A message of HTTP/1.0 has a Transfer-Encoding."
        case codingForbidden = "A response that cannot have content has a Transfer-Encoding."

        // Body
        case invalidChunkSize = "A chunk size is not 1 to 16 hexadecimal digits."
        case chunkTooLarge = "A chunk size is too large a number."
        case invalidChunkExtension = "A chunk extension is malformed."
        case chunkExtensionsTooLarge = "The chunk extensions of the body are larger than allowed."
        case invalidChunkLineEnd = "A chunk's first line does not end in CRLF."
        case invalidChunkEnd = "A chunk's content is not followed by CRLF."
        case trailersTooLarge = "The trailers of the body are larger than allowed."
        case tooManyTrailers = "The body has more trailers than allowed."
        case forbiddenTrailer = "A trailer bears a name that only a head may bear."
        case truncated = "The peer closed before the message was complete."
    }
}
