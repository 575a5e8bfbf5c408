"""The joiner: what clients sent, as whom, against what the upstream saw.

Every request of a test bears a nonce in its target that `Ledger.nonce` made out, with the user it is sent as and whether
the upstream may see it. `join` holds the recorder's account to that: no request without a client's, none twice, none
under another user, none that had to be refused.
"""

import secrets
import threading

# How many times the upstream may see a request: (least, most).
BOUNDS = {"once": (1, 1), "never": (0, 0), "maybe": (0, 1), "retried": (2, 2), "perhaps again": (0, 2)}


class Entry:
    def __init__(self, nonce, user, forwarded):
        self.nonce = nonce
        self.user = user
        self.forwarded = forwarded
        self.count = 0


class Ledger:
    def __init__(self, recorder):
        self.recorder = recorder
        self.lock = threading.Lock()
        self.entries = {}
        self.unjudged = []
        self.request_ids = {}
        self.joined = 0

    def nonce(self, user=None, forwarded="once"):
        """A new nonce for a request sent as `user` (the id, or None for nobody)."""
        entry = Entry("n" + secrets.token_hex(8) + "z", user, forwarded)
        with self.lock:
            self.entries[entry.nonce] = entry
            self.unjudged.append(entry)
        return entry.nonce

    def expect(self, nonce, forwarded):
        """Changes what is expected of a nonce, once its sender knows more."""
        self.entries[nonce].forwarded = forwarded

    def join(self):
        """Every disagreement between the two sides since the last call, as sentences."""
        recorder = self.recorder
        with recorder.lock:
            problems = [f"the gateway wrote a bad request: {text}" for text in recorder.violations]
            recorder.violations.clear()
            requests = recorder.requests[self.joined:]
            self.joined = len(recorder.requests)
        with self.lock:
            judged, self.unjudged = self.unjudged, []
        for request in requests:
            where = f"{request.method} {request.target} on connection {request.connection}"
            entry = self.entries.get(request.nonce)
            if entry is None:
                problems.append(f"no client sent {where}: {request.raw_head!r}")
                continue
            entry.count += 1
            if entry.count > BOUNDS[entry.forwarded][1]:
                problems.append(f"{where} should be forwarded {entry.forwarded}, this is number {entry.count}")
            users = request.fields.all("X-User-Id")
            if users != ([] if entry.user is None else [entry.user]):
                problems.append(f"{where} was sent as {entry.user} and seen as {users}")
            if not request.request_id:
                problems.append(f"{where} has no X-Request-Id")
            elif self.request_ids.setdefault(request.request_id, entry.nonce) != entry.nonce:
                problems.append(f"{where} shares its X-Request-Id with another request")
        for entry in judged:
            least = BOUNDS[entry.forwarded][0]
            if entry.count < least:
                problems.append(f"{entry.nonce} should be forwarded {entry.forwarded}, was {entry.count} times")
        return problems
