"""What is ambiguous is refused, not repaired: each refusal with its octets. After the answer the connection closes, and
nothing of it reached the upstream. A second, well-formed request stands behind many of them: it is what a smuggler wants
to have answered, and its nonce must never be seen."""

import pytest

from harness.wire import chunked, eventually, request

# {t}: the target with the nonce; {s}: the target of a smuggled request. Both lie on a public route.
SMUGGLED = "GET {s} HTTP/1.1\r\nHost: gate.test\r\n\r\n"
HOST = "Host: gate.test\r\n"
POST = "POST {t} HTTP/1.1\r\n" + HOST


def heads():
    """(name, octets, statuses): faults of a head."""
    yield "both framings", POST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400
    yield "both framings, other order", POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED, 400
    yield "two lengths", POST + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" + SMUGGLED, 400
    yield "the same length twice", POST + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd" + SMUGGLED, 400
    yield "a list of lengths", POST + "Content-Length: 4, 4\r\n\r\nabcd" + SMUGGLED, 400
    for length in ("+4", "-4", "-0", " 4 4", "4 4", "0x4", "4,", ",4", "", "4.0", "4e0", "4_0", "1_000", "'4'", '"4"', "four", "\t", "4;a=b",
                   "9999999999999999999", "18446744073709551616", "18446744073709551620", "99999999999999999999999999", "0" * 400 + "4", "\u0664",
                   "\uff14", "4\u00a0"):
        # Latin-1 where it can, UTF-8 elsewhere: both are octets outside of DIGIT.
        yield f"length {length[:24]!r}", POST + f"Content-Length: {length}\r\n\r\nabcd" + SMUGGLED, 400
    for coding, status in (("gzip", (400, 501)), ("identity", (400, 501)), ("chunked, gzip", (400, 501)), ("gzip, chunked", (400, 501)), ("chunked, chunked", 400),
                           ("chunked,", 400), (",chunked", 400), ("x chunked", (400, 501)), ("chunked x", (400, 501)), ("\x0bchunked", 400), ("chunked\x0b", 400),
                           ("chunked\x0c", 400), ('"chunked"', (400, 501)), ("chunked;q=1", (400, 501)), ("chun\u212aed", (400, 501)), ("", 400), ("chunked\x00", 400),
                           ("\u00a0chunked", (400, 501)), ("xchunked", (400, 501)), ("chunked\u0085", (400, 501))):
        yield f"coding {coding!r}", POST + f"Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n" + SMUGGLED, status
    yield "two codings lines", POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400
    yield "two codings lines, one other", POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED, (400, 501)
    yield "folded coding", POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400
    yield "chunked in HTTP/1.0", "POST {t} HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400
    yield "space before colon of length", POST + "Content-Length : 4\r\n\r\nabcd" + SMUGGLED, 400
    yield "tab before colon of coding", POST + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400

    get = "GET {t} HTTP/1.1\r\n"
    yield "bare LF after the request line", "GET {t} HTTP/1.1\n" + HOST + "\r\n", 400
    yield "bare LF after a field", get + "Host: gate.test\n\r\n", 400
    yield "bare LF between fields", get + HOST + "A: b\nC: d\r\n\r\n", 400
    yield "bare LF at the end", get + HOST + "\n", 400
    yield "only LFs", "GET {t} HTTP/1.1\nHost: gate.test\n\n", 400
    yield "bare CR in a value", get + HOST + "A: b\rC: d\r\n\r\n", 400
    yield "bare CR after the request line", "GET {t} HTTP/1.1\r" + HOST + "\r\n\r\n", 400
    yield "CR CR LF", get + HOST + "A: b\r\r\n\r\n", 400
    yield "obsolete folding", get + HOST + "A: b\r\n c\r\n\r\n", 400
    yield "obsolete folding with tab", get + HOST + "A: b\r\n\tc\r\n\r\n", 400
    yield "white space before the first field", get + " A: b\r\n" + HOST + "\r\n", 400
    yield "space before colon", get + HOST + "A : b\r\n\r\n", 400
    yield "space before colon of Host", get + "Host : gate.test\r\n\r\n", 400
    yield "no colon", get + HOST + "Abc\r\n\r\n", 400
    yield "empty name", get + HOST + ": b\r\n\r\n", 400
    for octet in "\x00\x01\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f":
        yield f"control {ord(octet):#04x} in a value", get + HOST + f"A: b{octet}c\r\n\r\n", 400
        yield f"control {ord(octet):#04x} in a name", get + HOST + f"A{octet}: b\r\n\r\n", 400
        yield f"control {ord(octet):#04x} in the target", "GET {t}" + octet + " HTTP/1.1\r\n" + HOST + "\r\n", 400
    for octet in ' "(),/;<=>?@[\\]{}\x80\u00e9\u00ff':
        yield f"{octet!r} in a name", get + HOST + f"A{octet}B: b\r\n\r\n", 400
    yield "no Host", get + "\r\n", 400
    yield "two Hosts", get + HOST + HOST + "\r\n", 400
    yield "two Hosts that differ", get + HOST + "Host: other.test\r\n\r\n", 400
    for host in ("gate.test, other.test", "gate.test/x", "user@gate.test", "gate test", "gate.test:80x", "gate.test:99999999", "gate.test#", "gate.test\\", "[::1", "gate\u00e9.test",
                 "gate.test:-1", "gate.test:80:80", "<gate>"):
        yield f"Host {host!r}", get + f"Host: {host}\r\n\r\n", 400
    yield "Host that differs from an absolute target", "GET http://gate.test{t} HTTP/1.1\r\nHost: other.test\r\n\r\n", 400
    yield "Host that differs in the port", "GET http://gate.test:81{t} HTTP/1.1\r\nHost: gate.test:80\r\n\r\n", 400
    yield "absolute target with user", "GET http://a@gate.test{t} HTTP/1.1\r\nHost: gate.test\r\n\r\n", 400
    yield "absolute target, other scheme", "GET ftp://gate.test{t} HTTP/1.1\r\nHost: gate.test\r\n\r\n", 400
    yield "target without slash", "GET open HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "authority target", "GET gate.test:80 HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "asterisk for GET", "GET * HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "no version", "GET {t}\r\n\r\n", (400, 505)
    yield "HTTP/0.9 version", "GET {t} HTTP/0.9\r\n" + HOST + "\r\n", (400, 505)
    yield "HTTP/1.2", "GET {t} HTTP/1.2\r\n" + HOST + "\r\n", (400, 505)
    yield "HTTP/2.0", "GET {t} HTTP/2.0\r\n" + HOST + "\r\n", (400, 505)
    yield "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)
    yield "HTTP/11.1", "GET {t} HTTP/11.1\r\n" + HOST + "\r\n", (400, 505)
    yield "http/1.1", "GET {t} http/1.1\r\n" + HOST + "\r\n", (400, 505)
    yield "HTTP/1.1x", "GET {t} HTTP/1.1x\r\n" + HOST + "\r\n", (400, 505)
    yield "two spaces", "GET  {t} HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "two spaces before version", "GET {t}  HTTP/1.1\r\n" + HOST + "\r\n", (400, 505)
    yield "tab for space", "GET\t{t} HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "leading space", " GET {t} HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "trailing space", "GET {t} HTTP/1.1 \r\n" + HOST + "\r\n", (400, 505)
    yield "space in the target", "GET {t} x HTTP/1.1\r\n" + HOST + "\r\n", (400, 505)
    yield "method outside the token set", "G(T {t} HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "empty method", " {t} HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 50 + "\r\n\r\n", 400
    yield "fragment", "GET {t}#x HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "raw UTF-8 in the target", "GET {t}&\u00e9 HTTP/1.1\r\n" + HOST + "\r\n", 400
    yield "Upgrade with a body", POST + "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd", (400, 501)


def bodies():
    """(name, octets after `Transfer-Encoding: chunked`): faults of a chunked body."""
    for line in ("g", "", " ", "-1", "+1", "0x1", "1 ", " 1", "1\t", "1_0", "\uff11", "1\x00", "1\x0b", "11111111111111111", "FFFFFFFFFFFFFFFFF",
                 "FFFFFFFFFFFFFFFF", "8000000000000000", "1;a=\x00", "1;a=\x0b", "1;a\rb"):
        yield f"size {line!r}", f"{line}\r\nx\r\n0\r\n\r\n"
    yield "size line with bare LF", "1\nx\r\n0\r\n\r\n"
    yield "size line with bare CR", "1\rx\r\n0\r\n\r\n"
    yield "size line with extension and bare LF", "1;a\nx\r\n0\r\n\r\n"
    yield "data followed by LF", "1\r\nx\n0\r\n\r\n"
    yield "data followed by CR", "1\r\nx\r0\r\n\r\n"
    yield "data followed by nothing", "1\r\nx0\r\n\r\n"
    yield "data longer than its size", "1\r\nxy\r\n0\r\n\r\n"
    yield "last chunk with bare LF", "1\r\nx\r\n0\n\r\n"
    yield "end with bare LF", "1\r\nx\r\n0\r\n\n"
    yield "trailer with bare LF", "1\r\nx\r\n0\r\nA: b\n\r\n"
    yield "trailer with a space before the colon", "1\r\nx\r\n0\r\nA : b\r\n\r\n"
    yield "trailer without colon", "1\r\nx\r\n0\r\nA\r\n\r\n"
    yield "folded trailer", "1\r\nx\r\n0\r\nA: b\r\n c\r\n\r\n"
    yield "trailer with NUL", "1\r\nx\r\n0\r\nA: b\x00\r\n\r\n"
    yield "extension flood in one line", "1;" + "a" * 100_000 + "\r\nx\r\n0\r\n\r\n"
    yield "extension flood in many lines", ("1;" + "a" * 200 + "\r\nx\r\n") * 3000 + "0\r\n\r\n"
    yield "trailer flood", "1\r\nx\r\n0\r\n" + "A: b\r\n" * 20_000 + "\r\n"
    yield "trailer too long", "1\r\nx\r\n0\r\nA: " + "b" * 200_000 + "\r\n\r\n"


def octets(text, **values):
    """Latin-1 where it can, else UTF-8."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text.encode("latin-1") if all(ord(c) < 256 for c in text) else text.encode()


HEADS = list(heads())
BODIES = list(bodies())


def check_refused(site, data, nonces, statuses):
    with site.client() as client:
        client.send_some(data)
        answer = client.response()
        assert answer.status in statuses, answer
        assert answer.fields.get("Connection", "").lower() == "close", answer
        assert client.is_closed(), "still open after a malformed request"
    for nonce in nonces:
        assert site.recorder.seen(nonce) == []
    return answer


@pytest.mark.parametrize("text, statuses", [case[1:] for case in HEADS], ids=[case[0] for case in HEADS])
def test_malformed_head(site, text, statuses):
    nonce, smuggled = site.nonce(forwarded="never"), site.nonce(forwarded="never")
    data = octets(text, t=f"/open/?n={nonce}", s=f"/open/?n={smuggled}")
    answer = check_refused(site, data, [nonce, smuggled], statuses if isinstance(statuses, tuple) else (statuses,))
    assert answer.fields.get("Content-Type") == "application/problem+json"
    assert answer.json()["status"] == answer.status


@pytest.mark.parametrize("text", [case[1] for case in BODIES], ids=[case[0] for case in BODIES])
def test_malformed_chunks(site, text):
    """The head may have gone on before the fault came; the request must not have become a whole one."""
    nonce, smuggled = site.nonce(forwarded="maybe"), site.nonce(forwarded="never")
    head = request("POST", f"/open/?n={nonce}", [("Transfer-Encoding", "chunked")])
    body = text.encode("latin-1") if all(ord(c) < 256 for c in text) else text.encode()
    check_refused(site, head + body + request("GET", f"/open/?n={smuggled}"), [smuggled], (400, 413, 431))
    assert all(seen.body_digest is None for seen in site.recorder.seen(nonce)), "the upstream read a whole request"


@pytest.mark.parametrize("text", [HEADS[0][1], HEADS[2][1]], ids=["both framings", "two lengths"])
def test_malformed_behind_a_good_request(site, text):
    """The good one is answered, the bad one refused, nothing after it is read."""
    good, nonce, smuggled = site.nonce(), site.nonce(forwarded="never"), site.nonce(forwarded="never")
    with site.client() as client:
        client.send(request("GET", f"/open/?n={good}") + octets(text, t=f"/open/?n={nonce}", s=f"/open/?n={smuggled}"))
        assert client.response().status == 200
        assert client.response().status == 400
        assert client.is_closed()


@pytest.mark.parametrize("split", ["octets", "lines"])
def test_malformed_in_pieces(site, split):
    nonce = site.nonce(forwarded="never")
    data = octets(HEADS[2][1], t=f"/open/?n={nonce}", s="/")
    pieces = [data[i:i + 1] for i in range(len(data))] if split == "octets" else data.splitlines(keepends=True)
    with site.client() as client:
        for piece in pieces:
            client.send_some(piece)
        assert client.response().status == 400
        assert client.is_closed()


@pytest.mark.parametrize("split", ["octets", "two"])
def test_well_formed_in_pieces(site, split):
    """Wherever the octets are cut, the message is the same."""
    nonce = site.nonce()
    data = request("POST", f"/open/?n={nonce}", [("Transfer-Encoding", "chunked"), ("X-A", "b")]) + chunked(b"hello ", b"world", trailers=[("X-T", "u")])
    if split == "octets":
        with site.client() as client:
            for i in range(len(data)):
                client.send(data[i:i + 1])
            assert client.response().json()["length"] == 11
    else:
        site.ledger.expect(nonce, "maybe")
        for cut in range(1, len(data), 7):
            one = site.nonce()
            piece = data.replace(nonce.encode(), one.encode())
            with site.client() as client:
                client.send(piece[:cut])
                client.send(piece[cut:])
                assert client.response().json()["length"] == 11


def test_accepted_oddities(site):
    """What RFC 9112 asks a server to take: an empty line before the request, white space around a value, any header case."""
    nonce = site.nonce()
    with site.client() as client:
        client.send(b"\r\nGET /open/?n=%s HTTP/1.1\r\nhOsT: \t gate.test \t\r\nX-Empty:\r\nX-High: \xe9\xff\r\n\r\n" % nonce.encode())
        answer = client.response()
    assert answer.status == 200
    seen = site.recorder.one(nonce)
    assert seen.fields["X-Empty"] == ""
    assert seen.fields["X-High"] == "\u00e9\u00ff"


def test_get_with_a_body_is_framed_like_all_others(site):
    """Rule 20."""
    for method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        nonce, after = site.nonce(), site.nonce()
        with site.client() as client:
            client.send(request(method, f"/open/?n={nonce}", body=b"GET /open/?x HTTP/1.1\r\n\r\n") + request("GET", f"/open/?n={after}"))
            assert client.response(method).status == 200
            assert client.response().json()["target"] == f"/open/?n={after}"
        assert site.recorder.one(nonce).body_length == 25


@pytest.mark.parametrize("early", [("/app/", 401), ("/nowhere", 404)])
def test_body_of_an_early_answer_is_no_request(site, early):
    """Rule 18: an answer before the body is read ends the connection, or the body is read to its end."""
    target, status = early
    refused, smuggled, after = site.nonce(forwarded="never"), site.nonce(forwarded="never"), site.nonce(forwarded="maybe")
    inner = request("GET", f"/open/?n={smuggled}")
    with site.client() as client:
        client.send_some(request("POST", f"{target}?n={refused}", body=inner))
        assert client.response().status == status
        client.send_some(request("GET", f"/open/?n={after}"))
        if not client.is_closed(0.3):
            assert client.response().json()["target"] == f"/open/?n={after}"


def test_nothing_leaks_into_the_upstream_connection(site):
    """After every refusal above, the pooled upstream connections still carry whole requests only."""
    for _ in range(8):
        nonce = site.nonce()
        assert site.ask("GET", f"/open/?n={nonce}").json()["target"] == f"/open/?n={nonce}"
    eventually(lambda: not site.recorder.violations, 1)
