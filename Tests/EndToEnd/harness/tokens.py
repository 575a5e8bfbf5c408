"""JWTs made by hand: right, wrong and impossible ones."""

import base64
import hashlib
import hmac
import json


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    """(header, claims, signature octets) of a compact token."""
    header, claims, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims)), unb64(signature)


def sign(signing_input, secret, digest=hashlib.sha256):
    return b64(hmac.new(secret, signing_input.encode(), digest).digest())


def make(header, claims, secret, digest=hashlib.sha256):
    """`header` and `claims` are objects, or JSON text to be taken as it is."""
    def text(part):
        return part if isinstance(part, str) else json.dumps(part, separators=(",", ":"))

    signing_input = b64(text(header).encode()) + "." + b64(text(claims).encode())
    return signing_input + "." + sign(signing_input, secret, digest)
