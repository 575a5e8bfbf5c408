"""HTTP/1.1 as octets: a client that sends exactly what it is given and a strict reader of what comes back."""

import json
import re
import socket
import time

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")


class ProtocolError(Exception):
    """The peer sent something that RFC 9112 does not allow, or stopped in the middle."""


class Closed(ProtocolError):
    """The peer closed the connection before a message was complete."""


class Reader:
    """Buffered reading of a socket, by line and by count."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()
        self.ended = False

    def fill(self, size=65536):
        """Reads once; False when the peer has closed or reset."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(size)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def line(self, limit=1 << 20):
        """One line without its CRLF. A bare LF or CR is an error."""
        while True:
            end = self.buffer.find(b"\n")
            if end >= 0:
                line = bytes(self.buffer[: end + 1])
                del self.buffer[: end + 1]
                if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                    raise ProtocolError(f"line without CRLF: {line[:80]!r}")
                return line[:-2]
            if len(self.buffer) > limit:
                raise ProtocolError("line too long")
            if not self.fill():
                raise Closed(f"closed in a line, after {bytes(self.buffer[-80:])!r}")

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill(max(65536, min(count - len(self.buffer), 1 << 20))):
                raise Closed(f"closed after {len(self.buffer)} of {count} octets")
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def head(self):
        """Start line, fields [(name, value)], and the raw octets of both."""
        start = self.line()
        raw = start + b"\r\n"
        fields = []
        while True:
            line = self.line()
            raw += line + b"\r\n"
            if not line:
                return start, fields, raw
            fields.append(parse_field(line))

    def chunks(self):
        """A chunked body: (content, trailer fields)."""
        content = bytearray()
        while True:
            size, _, _ = self.line().partition(b";")
            if not CHUNK_SIZE.match(size):
                raise ProtocolError(f"bad chunk size {size[:40]!r}")
            count = int(size, 16)
            if count == 0:
                break
            content += self.exactly(count)
            if self.exactly(2) != b"\r\n":
                raise ProtocolError("chunk data is not followed by CRLF")
        trailers = []
        while True:
            line = self.line()
            if not line:
                return bytes(content), trailers
            trailers.append(parse_field(line))

    def to_end(self):
        while self.fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data


def parse_field(line):
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.match(name):
        raise ProtocolError(f"bad field line {line[:80]!r}")
    if any(c < 32 and c != 9 or c == 127 for c in value):
        raise ProtocolError(f"control octet in {line[:80]!r}")
    return name.decode("ascii"), value.strip(b" \t").decode("latin-1")


class Fields:
    """Field lines in order, found without regard to case."""

    def __init__(self, pairs):
        self.pairs = pairs

    def all(self, name):
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __contains__(self, name):
        return bool(self.all(name))

    def __getitem__(self, name):
        values = self.all(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __repr__(self):
        return repr(self.pairs)


class Response:
    def __init__(self, status, reason, version, fields, raw_head, body=b"", trailers=(), framing="none"):
        self.status = status
        self.reason = reason
        self.version = version
        self.fields = Fields(fields)
        self.raw_head = raw_head
        self.body = body
        self.trailers = Fields(list(trailers))
        self.framing = framing
        self.interim = []

    def json(self):
        return json.loads(self.body)

    def cookie(self, name):
        """The value and the attributes of our Set-Cookie line for `name`, or None."""
        found = [value for value in self.fields.all("Set-Cookie") if value.split("=", 1)[0] == name]
        assert len(found) <= 1, f"several Set-Cookie lines for one cookie: {found}"
        if not found:
            return None
        first, *rest = [part.strip() for part in found[0].split(";")]
        attributes = {}
        for part in rest:
            key, _, value = part.partition("=")
            attributes[key.lower()] = value
        return first.split("=", 1)[1], attributes

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:300]!r}>"


def read_response_head(reader):
    start, fields, raw = reader.head()
    match = re.match(rb"(HTTP/1\.[01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z", start)
    if not match:
        raise ProtocolError(f"bad status line {start[:80]!r}")
    return Response(int(match[2]), match[3].decode("latin-1"), match[1].decode(), fields, raw)


def read_response(reader, method="GET"):
    """The final response to `method`, with interim ones in `.interim`."""
    interim = []
    while True:
        response = read_response_head(reader)
        if response.status >= 200 or response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    lengths = response.fields.all("Content-Length")
    codings = response.fields.all("Transfer-Encoding")
    if lengths and codings:
        raise ProtocolError("response with both framings")
    if len(lengths) > 1 or (lengths and not re.fullmatch(r"[0-9]+", lengths[0])):
        raise ProtocolError(f"bad Content-Length {lengths}")
    if method == "HEAD" or response.status in (204, 304):
        return response
    if codings:
        if codings != ["chunked"]:
            raise ProtocolError(f"bad Transfer-Encoding {codings}")
        response.framing = "chunked"
        response.body, trailers = reader.chunks()
        response.trailers = Fields(trailers)
    elif lengths:
        response.framing = "length"
        response.body = reader.exactly(int(lengths[0]))
    else:
        response.framing = "close"
        response.body = reader.to_end()
    return response


class Client:
    """One connection. `source` is the local address to come from: all of 127.0.0.0/8 is ours on Linux."""

    def __init__(self, address, source=None, timeout=15.0, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.sock.bind((source, 0))
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_some(self, data):
        """Sends what the peer takes; a peer that has closed is no error here."""
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def response(self, method="GET"):
        return read_response(self.reader, method)

    def ask(self, data, method="GET"):
        self.send(data)
        return self.response(method)

    def is_closed(self, within=5.0):
        """True when the peer closes (or resets) without another octet."""
        self.sock.settimeout(within)
        try:
            return not self.reader.buffer and not self.reader.fill()
        except TimeoutError:
            return False

    def reset(self):
        """Vanishes with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()

    def close(self):
        self.sock.close()


def request(method, target, fields=(), body=None, host="gate.test", version="HTTP/1.1"):
    """A request as octets. `fields` is a list of (name, value); a body gets its Content-Length."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(*parts, trailers=()):
    out = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return out + b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n"


def eventually(check, within=5.0, every=0.02, what="condition"):
    """Waits until `check()` is true and returns its value."""
    deadline = time.monotonic() + within
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(every)
