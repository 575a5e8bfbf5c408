"""Clients that never rest and forgive nothing: each request is sent once, and what is not its right answer is a failure."""

import json
import socket
import threading


class Hammer:
    """Threads that ask `target` in the name of users until told to stop.

    `callers` is [(user id, field for the request)]. A client with `keeps_alive` goes on with its connection until an answer says
    `Connection: close`, as RFC 9112 9.6 has it; the others make a connection for each request."""

    def __init__(self, address, target, callers, kept=4, fresh=4):
        self.address = address
        self.target = target
        self.callers = callers
        self.failures = []
        self.counts = [0] * (kept + fresh)
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(index, index < kept)) for index in range(kept + fresh)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    @property
    def answered(self):
        return sum(self.counts)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self.threads)

    def _run(self, index, keeps_alive):
        turn = index
        sock = None
        close = b"" if keeps_alive else b"Connection: close\r\n"
        while not self.stopping.is_set():
            user, field = self.callers[turn % len(self.callers)]
            turn += 1
            is_new = sock is None
            try:
                if sock is None:
                    sock = socket.create_connection(self.address, 20)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(b"GET %s HTTP/1.1\r\nHost: gate.test\r\n%s%s\r\n\r\n" % (self.target, close, field))
                head, body = self._answer(sock)
                if not head.startswith(b"HTTP/1.1 200 ") or json.loads(body)["user_id"] != user:
                    self.failures.append((user, head[:200], body[:200]))
                self.counts[index] += 1
                if b"\r\nconnection: close" in head.lower():
                    sock.close()
                    sock = None
            except (OSError, ValueError, KeyError) as error:
                self.failures.append((user, "new" if is_new else "kept", repr(error)))
                if sock is not None:
                    sock.close()
                sock = None
        if sock is not None:
            sock.close()

    @staticmethod
    def _answer(sock):
        """(head, body) of one response with a Content-Length."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                raise OSError(f"closed after {len(data)} octets of the answer")
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            more = sock.recv(65536)
            if not more:
                raise OSError(f"closed after {len(body)} of {length} octets")
            body += more
        if len(body) > length:
            raise ValueError("more than was asked for")
        return head, body
