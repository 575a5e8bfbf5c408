"""A Redis server of our own, and as much of its protocol as reading it back needs."""

import socket

from .processes import Process, free_port
from .wire import Reader


class Redis:
    def __init__(self, folder, port=None, password=None, options=()):
        self.folder = folder
        self.port = port or free_port()
        self.password = password
        self.options = list(options)
        self.process = None

    @property
    def url(self):
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self):
        arguments = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                     "--dir", self.folder, "--databases", "4", *self.options]
        if self.password:
            arguments += ["--requirepass", self.password]
        self.process = Process(arguments, self.folder, f"redis-{self.port}")
        self.process.wait_until(self.answers, 10)
        return self

    def answers(self):
        try:
            return self.command("PING") == b"PONG"
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process = None

    def command(self, *arguments):
        with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
            reader = Reader(sock)
            if self.password:
                self._send(sock, ("AUTH", self.password))
                self._reply(reader)
            self._send(sock, arguments)
            return self._reply(reader)

    @staticmethod
    def _send(sock, arguments):
        parts = [argument if isinstance(argument, bytes) else str(argument).encode() for argument in arguments]
        sock.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))

    def _reply(self, reader):
        line = reader.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise AssertionError(f"redis: {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            return reader.exactly(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply(reader) for _ in range(int(rest))]
        raise AssertionError(f"redis: {line!r}")

    def dump(self):
        """Everything it holds: {key: (type, content)}; expiry times left out."""
        found = {}
        for key in sorted(self.command("KEYS", "*")):
            kind = self.command("TYPE", key)
            read = {
                b"string": lambda k: self.command("GET", k),
                b"hash": lambda k: tuple(self.command("HGETALL", k)),
                b"set": lambda k: tuple(sorted(self.command("SMEMBERS", k))),
                b"zset": lambda k: tuple(self.command("ZRANGE", k, 0, -1, "WITHSCORES")),
                b"list": lambda k: tuple(self.command("LRANGE", k, 0, -1)),
            }[kind]
            found[key] = (kind, read(key))
        return found
