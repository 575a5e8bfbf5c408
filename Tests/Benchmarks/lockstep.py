"""A client and an upstream in one thread, one request under way at a time, so that a gateway between them does the same work
for each request, however busy the machine is: one loop turn takes the request in, one takes the answer in."""

import re
import selectors
import socket

# More than any message here, so that each goes out in one piece.
ROOM = 1 << 20
PATIENCE = 60.0


class WrongExchange(Exception):
    pass


class Upstream:
    """Listens at a port of 127.0.0.1. Answers every request with `answer`, when all of it has come."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        # Connections that are accepted inherit it.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self.port = self.listener.getsockname()[1]
        self.answer = b""
        # The last request that came whole.
        self.request = b""


class Lockstep:
    """`exchange` sends one request from each of its connections in turn."""

    def __init__(self, upstream, port, connections):
        self.upstream = upstream
        self.poller = selectors.DefaultSelector()
        self.poller.register(upstream.listener, selectors.EVENT_READ)
        self.received = {}
        self.clients = [self.watch(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(connections)]
        self.next = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.poller.unregister(self.upstream.listener)
        for connection in list(self.received):
            self.forget(connection)
        self.poller.close()

    def watch(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        connection.settimeout(PATIENCE)
        self.poller.register(connection, selectors.EVENT_READ)
        self.received[connection] = bytearray()
        return connection

    def forget(self, connection):
        self.poller.unregister(connection)
        del self.received[connection]
        connection.close()

    def exchange(self, request):
        """The whole answer to `request`."""
        client = self.clients[self.next]
        self.next = (self.next + 1) % len(self.clients)
        client.sendall(request)
        while True:
            ready = self.poller.select(PATIENCE)
            if not ready:
                raise WrongExchange(f"no answer within {PATIENCE} s; so far: {bytes(self.received[client][:300])!r}")
            for key, _ in ready:
                if key.fileobj is self.upstream.listener:
                    self.watch(self.upstream.listener.accept()[0])
                    continue
                message = self.take(key.fileobj)
                if key.fileobj is client and message:
                    return message
                if key.fileobj not in self.clients and message:
                    self.upstream.request = message
                    key.fileobj.sendall(self.upstream.answer)

    def take(self, connection):
        """Reads what is there; the message, once it is complete."""
        octets = connection.recv(ROOM)
        if not octets:
            if connection in self.clients:
                raise WrongExchange(f"the gateway closed a connection; before: {bytes(self.received[connection][:300])!r}")
            self.forget(connection)
            return None
        so_far = self.received[connection]
        so_far += octets
        end = so_far.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = re.search(rb"\r\ncontent-length: *([0-9]+)\r\n", so_far[:end + 2], re.IGNORECASE)
        if len(so_far) < end + 4 + (int(length[1]) if length else 0):
            return None
        self.received[connection] = bytearray()
        return bytes(so_far)
