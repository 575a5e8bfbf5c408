"""The upstream that writes down exactly what it is sent and answers as it is told.

What it does for a request is chosen by the nonce in the request's target (see ledger.py): `recorder.script(nonce, action)`.
Without a script it answers 200 with a JSON account of the request. Every request is held to RFC 9112 as strictly as the
gateway should write it; whatever is not so stands in `violations`.
"""

import hashlib
import json
import re
import socket
import threading
import time

from .wire import TOKEN, Closed, Fields, ProtocolError, Reader, parse_field

NONCE = re.compile(r"n[0-9a-f]{16}z")
KEPT_BODY = 1 << 20


class Request:
    """What one request was, as the upstream saw it."""

    def __init__(self, connection, index, raw_head):
        self.connection = connection
        self.index = index
        self.raw_head = raw_head
        self.arrived = time.monotonic()
        lines = raw_head[:-4].split(b"\r\n")
        match = re.match(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.1\Z", lines[0])
        if not match:
            raise ProtocolError(f"bad request line {lines[0][:120]!r}")
        self.method = match[1].decode()
        self.target = match[2].decode()
        self.fields = Fields([parse_field(line) for line in lines[1:]])
        self.trailers = Fields([])
        self.body = b""
        self.body_length = 0
        self.body_digest = None
        found = NONCE.search(self.target)
        self.nonce = found[0] if found else None

    @property
    def user(self):
        return self.fields.get("X-User-Id")

    @property
    def request_id(self):
        return self.fields.get("X-Request-Id")

    @property
    def framing(self):
        """'none', 'chunked' or the content length; anything ambiguous is an error."""
        lengths = self.fields.all("Content-Length")
        codings = self.fields.all("Transfer-Encoding")
        if lengths and codings:
            raise ProtocolError("both framings")
        if codings:
            if codings != ["chunked"]:
                raise ProtocolError(f"Transfer-Encoding {codings}")
            return "chunked"
        if lengths:
            if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
                raise ProtocolError(f"Content-Length {lengths}")
            return int(lengths[0])
        return "none"

    def check(self):
        if len(self.fields.all("Host")) != 1:
            raise ProtocolError(f"Host lines: {self.fields.all('Host')}")
        for name, _ in self.fields.pairs:
            if not TOKEN.match(name.encode()):
                raise ProtocolError(f"field name {name!r}")
        _ = self.framing

    def account(self):
        return {
            "connection": self.connection,
            "method": self.method,
            "target": self.target,
            "fields": self.fields.pairs,
            "user": self.user,
            "length": self.body_length,
            "digest": self.body_digest,
        }


class Exchange:
    """Handed to a script: the request, and the socket to answer on."""

    def __init__(self, request, sock, reader):
        self.request = request
        self.sock = sock
        self.reader = reader
        self.body_read = False
        self.closing = False

    def read_body(self):
        if self.body_read:
            return
        self.body_read = True
        request = self.request
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
            request.body_length += len(piece)
            if len(request.body) < KEPT_BODY:
                request.body += piece
        request.body_digest = digest.hexdigest()

    def pieces(self):
        """The content of the request body as it comes."""
        self.body_read = True
        framing = self.request.framing
        if framing == "chunked":
            while True:
                line = self.reader.line()
                if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", line):
                    raise ProtocolError(f"chunk line {line[:80]!r}")
                size = int(line, 16)
                if size == 0:
                    break
                yield from self.counted(size)
                if self.reader.exactly(2) != b"\r\n":
                    raise ProtocolError("chunk end")
            trailers = []
            while True:
                line = self.reader.line()
                if not line:
                    break
                trailers.append(parse_field(line))
            self.request.trailers = Fields(trailers)
        elif framing != "none":
            yield from self.counted(framing)

    def counted(self, left):
        buffer = self.reader.buffer
        if buffer:
            piece = bytes(buffer[:left])
            del buffer[: len(piece)]
            left -= len(piece)
            yield piece
        while left:
            piece = self.sock.recv(min(left, 1 << 20))
            if not piece:
                raise Closed(f"request body: closed {left} octets before its end")
            left -= len(piece)
            yield piece

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status=200, fields=(), body=b"", reason="OK"):
        """A response with a Content-Length, after the whole request was read."""
        self.read_body()
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in fields]
        if status not in (204, 304) and status >= 200:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.send(head if self.request.method == "HEAD" else head + body)

    def close(self):
        self.closing = True

    def abort(self):
        """Closes with a RST at once."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()
        self.closing = True


def account(exchange):
    """The default: tells what it saw."""
    exchange.read_body()
    body = json.dumps(exchange.request.account()).encode()
    exchange.answer(200, [("Content-Type", "application/json"), ("X-Seen-User", exchange.request.user or "nobody")], body)


def raw(*pieces, pause=0.0, read_body=True, close=True):
    """A script that sends these octets, `pause` seconds apart, and then closes (or keeps the connection)."""

    def run(exchange):
        if read_body:
            exchange.read_body()
        for index, piece in enumerate(pieces):
            if index and pause:
                time.sleep(pause)
            exchange.send(piece)
        if close:
            exchange.close()

    return run


class Recorder:
    def __init__(self, host="127.0.0.1", port=0):
        self.listener = socket.create_server((host, port), backlog=512)
        self.address = self.listener.getsockname()
        self.lock = threading.Lock()
        self.requests = []
        self.violations = []
        self.scripts = {}
        self.open = {}
        self.connections = 0
        self.stopping = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}"

    def script(self, nonce, action):
        self.scripts[nonce] = action

    def seen(self, nonce):
        """The requests that bore this nonce, in the order of their arrival."""
        with self.lock:
            return [request for request in self.requests if request.nonce == nonce]

    def one(self, nonce):
        found = self.seen(nonce)
        assert len(found) == 1, f"{len(found)} requests with {nonce}, expected one"
        return found[0]

    def close_idle(self):
        """Closes every open connection silently, as an upstream does with idle ones. Returns how many."""
        with self.lock:
            sockets = list(self.open.values())
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return len(sockets)

    def stop(self):
        self.stopping = True
        # A plain close does not wake a blocked accept on Linux.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.close_idle()
        self.thread.join(5)

    def _accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self.open[number] = sock
            threading.Thread(target=self._serve, args=(number, sock), daemon=True).start()

    def _serve(self, number, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Reader(sock)
        index = 0
        try:
            while not self.stopping:
                if not reader.buffer and not reader.fill():
                    return
                index += 1
                if not self._one(number, index, sock, reader):
                    return
        except Closed:
            # Died in the middle: legitimate when a client vanished. The joiner judges by what is recorded.
            pass
        except ProtocolError as error:
            with self.lock:
                self.violations.append(f"connection {number}, request {index}: {error}")
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.pop(number, None)
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _one(self, number, index, sock, reader):
        _, _, head = reader.head()
        request = Request(number, index, head)
        with self.lock:
            self.requests.append(request)
        request.check()
        exchange = Exchange(request, sock, reader)
        self.scripts.get(request.nonce, account)(exchange)
        if exchange.closing:
            return False
        exchange.read_body()
        return request.fields.get("Connection", "").lower() != "close"
