"""A client of the gateway: one request each, with the cookies of a browser that knows a single site."""

import dataclasses
import http.client
import json
import time


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, port, host="127.0.0.1"):
        self.host = host
        self.port = port
        self.cookies = {}

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            fields = dict(headers or {})
            if self.cookies:
                fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request(method, path, body=body, headers=fields)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def sign_in(self, path="/login", name="alice", password="secret123"):
        body = json.dumps({"username": name, "password": password})
        return self.request("POST", path, body=body, headers={"Content-Type": "application/json"})

    def wait(self, path="/public/hello", status=200, seconds=60):
        """Until `path` is answered as expected."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                seen = self.get(path).status
            except (OSError, http.client.HTTPException) as error:
                seen = error
            if seen == status:
                return self
            assert time.monotonic() < deadline, f"{path} at port {self.port}: {seen!r}, not {status}, after {seconds} s"
            time.sleep(0.1)
