"""The programs of config/headers.md and the settings of config/proxies.md, run as they stand there."""

import http.client
import json
import pathlib
import secrets
import shutil
import ssl
import subprocess
import tempfile

import pytest

from harness.gateway import ROOT, Gateway, clean_environment
from harness.pages import block
from harness.processes import Process, accepts, free_port
from harness.recorder import Recorder
from harness.site import USERS
from harness.wire import Client, request

HEADERS = "config/headers.md"
PROXIES = "config/proxies.md"
# Not in Debian; Tests/Benchmarks/run puts it there.
ENVOY = next((ROOT / ".build" / "benchmarks").glob("envoy/lib/python*/site-packages/envoy/_bin/envoy"), None)

PEOPLE = {
    # name: (id, password, role)
    "zo\u00eb \u6c34": ("201", "secret123", "user"),
    "carol": ("103", USERS["carol"][1], "admin"),
}

SPOOFED = [("X-User-Id", "999"), ("X-User-Role", "admin"), ("X_User_Id", "999"), ("x.user.id", "999"), ("XUserId", "999")]


def needs(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def upstream_of(language, folder):
    """Writes the page's program into `folder` and builds it; the command that runs it."""
    def write(name):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block(HEADERS, language), encoding="utf-8")
        return path

    def build(*command):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    match language:
        case "python":
            needs("python3")
            return ["python3", write("upstream.py")]
        case "js":
            needs("node")
            return ["node", write("upstream.js")]
        case "go":
            needs("go")
            build("go", "build", "-o", folder / "upstream", write("upstream.go"))
            return [folder / "upstream"]
        case "java":
            needs("java", "javac")
            build("javac", write("Upstream.java"))
            return ["java", "-cp", folder, "Upstream"]
        case "swift":
            needs("swift")
            (folder / "Package.swift").write_text(block(HEADERS, "swift package"), encoding="utf-8")
            write("Sources/Upstream/Upstream.swift")
            build("swift", "build")
            return [folder / ".build" / "debug" / "Upstream"]


@pytest.fixture
def processes():
    made = []
    yield made
    for process in reversed(made):
        process.kill()


def run_upstream(language, folder, processes):
    """The port at which the page's program listens."""
    port = free_port()
    command = upstream_of(language, folder)
    processes.append(Process(command, folder, language, env=clean_environment(PORT=str(port)), cwd=folder))
    processes[-1].wait_until(lambda: accepts(("127.0.0.1", port)), 30)
    return port


@pytest.fixture
def gateway(make_folder):
    made = []

    def start(settings):
        """`settings` as for Gateway, or a function of it that gives the text of the whole file."""
        made.append(Gateway(make_folder(), None if callable(settings) else settings))
        if callable(settings):
            made[-1].config.write_text(settings(made[-1]))
        made[-1].start()
        for name, (id, password, role) in PEOPLE.items():
            made[-1].do("user", "add", name, "--role", role, "--id", id, "--password-stdin", stdin=password + "\n")
        return made[-1]

    yield start
    for one in made:
        try:
            one.stop()
        finally:
            one.kill()


@pytest.fixture
def make_folder(suite_folder):
    return lambda: pathlib.Path(tempfile.mkdtemp(dir=suite_folder))


def ask(address, method, target, fields=(), body=None):
    with Client(address, timeout=30) as client:
        return client.ask(request(method, target, fields, body, host="%s:%d" % address), method)


def sign_in(address, name):
    """A fresh session of one of PEOPLE, as a Cookie field."""
    body = json.dumps({"username": name, "password": PEOPLE[name][1]}).encode()
    answer = ask(address, "POST", "/login", [("Content-Type", "application/json")], body)
    assert answer.status == 200, answer
    return "Cookie", "session_id=" + answer.cookie("session_id")[0]


def text(answer):
    return answer.status, answer.body.decode("utf-8").strip()


@pytest.mark.parametrize("language", ["python", "js", "go", "java", "swift"])
def test_upstream(language, make_folder, processes, gateway):
    port = run_upstream(language, make_folder(), processes)
    address = gateway({
        "upstreams": {"app": {"servers": [f"http://127.0.0.1:{port}"]}},
        "routes": [{"path": "/open/", "upstream": "app", "access": "public"}, {"path": "/", "upstream": "app"}],
    }).address
    zoe, carol = sign_in(address, "zo\u00eb \u6c34"), sign_in(address, "carol")
    assert text(ask(address, "GET", "/", [zoe])) == (200, "201 zo\u00eb \u6c34")
    assert text(ask(address, "GET", "/?a=b", [zoe, *SPOOFED])) == (200, "201 zo\u00eb \u6c34")
    assert ask(address, "GET", "/admin", [zoe, *SPOOFED]).status == 403
    assert text(ask(address, "GET", "/admin?a=b", [carol])) == (200, "103 carol")
    # What the gateway itself refuses never reaches the program; on a public route the program refuses.
    assert ask(address, "GET", "/", SPOOFED).status == 401
    assert text(ask(address, "GET", "/open/", [zoe, *SPOOFED])) == (401, "nobody is signed in")
    # One of several roles, as the gateway writes them, sent by whoever can reach the program: why nobody else may.
    several = [("X-User-Id", "7"), ("X-User-Name", "eve"), ("X-User-Role", "editor,admin")]
    assert text(ask(("127.0.0.1", port), "GET", "/admin", several)) == (200, "7 eve")


def nginx(folder, settings, port, language="nginx"):
    needs("nginx")
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + settings(block(PROXIES, language)) + "}\n")
    return ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


def caddy(folder, settings, port):
    needs("caddy")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + settings(block(PROXIES, "caddyfile")))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


def envoy(folder, settings, port):
    if ENVOY is None:
        pytest.skip("not installed: envoy")
    check = json.loads(settings(block(PROXIES, "json")))

    def cluster(name, address):
        host, number = settings(address).split(":")
        endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(number)}}}}
        return {"name": name, "type": "STATIC", "connect_timeout": "3s",
                "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}

    kind = "type.googleapis.com/envoy.extensions.filters."
    manager = {
        "@type": kind + "network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "gate",
        "common_http_protocol_options": {"headers_with_underscores_action": "DROP_HEADER"},
        "http_filters": [check, {"name": "envoy.filters.http.router", "typed_config": {"@type": kind + "http.router.v3.Router"}}],
        "route_config": {"name": "all", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"path": "/login"}, "route": {"cluster": "gatehouse"},
             "typed_per_filter_config": {check["name"]: {"@type": kind + "http.ext_authz.v3.ExtAuthzPerRoute", "disabled": True}}},
            {"match": {"prefix": "/"}, "route": {"cluster": "app"}}]}]},
    }
    listener = {"name": "gate", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}
    (folder / "envoy.json").write_text(json.dumps({"static_resources": {
        "listeners": [listener], "clusters": [cluster("gatehouse", "127.0.0.1:8080"), cluster("app", "127.0.0.1:9001")]}}))
    return [ENVOY, "-c", folder / "envoy.json", "--use-dynamic-base-id", "--concurrency", "1"]


def test_tls_in_front(make_folder, processes, gateway):
    needs("nginx", "openssl")
    folder = make_folder()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=gate.example.com", "-keyout", folder / "gate.example.com.key", "-out", folder / "gate.example.com.pem"],
                   check=True, capture_output=True)
    recorder = Recorder()
    try:
        port = free_port()

        def settings(text):
            return (text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("https://gate.example.com", f"https://127.0.0.1:{port}")
                    .replace("certificate gate", f"certificate {folder}/gate").replace("key gate", f"key {folder}/gate")
                    .replace("http://127.0.0.1:9001", recorder.url))

        def of_page(gateway):
            text = settings(block(PROXIES, "yaml tls")) + "admin: { address: %s:%d }\n" % gateway.admin
            return text.replace("127.0.0.1:8080", "%s:%d" % gateway.address)

        behind = gateway(of_page)
        command = nginx(folder, lambda text: settings(text).replace("127.0.0.1:8080", "%s:%d" % behind.address), port, "nginx tls")
        processes.append(Process(command, folder, "nginx", env=clean_environment(), cwd=folder))
        processes[-1].wait_until(lambda: accepts(("127.0.0.1", port)), 30)
        context = ssl.create_default_context(cafile=folder / "gate.example.com.pem")
        context.check_hostname = False

        def tell(method, target, body=None, **fields):
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
            fields["X-Forwarded-For"] = "6.6.6.6"
            connection.request(method, target, body, fields)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer

        person = json.dumps({"username": "carol", "password": PEOPLE["carol"][1]})
        answer = tell("POST", "/login", person, **{"Content-Type": "application/json", "Origin": f"https://127.0.0.1:{port}"})
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-session_id=") and "; Secure" in cookie
        nonce = "n" + secrets.token_hex(8) + "z"
        assert tell("GET", f"/a%20b?n={nonce}", Cookie=cookie.split(";")[0]).status == 200
        seen = recorder.one(nonce)
        assert (seen.fields["X-User-Id"], seen.fields["X-Forwarded-Proto"]) == ("103", "https")
        assert seen.fields["X-Forwarded-For"] == "127.0.0.1, 127.0.0.1"
        assert seen.target.startswith("/a%20b?")
    finally:
        recorder.stop()


class Front:
    """A proxy with the page's settings, in front of an upstream, asking a gateway."""

    def __init__(self, proxy, folder, processes, gateway, upstream):
        self.address = ("127.0.0.1", free_port())
        ports = {8000: self.address[1], 9001: upstream}

        def settings(text):
            for old, new in ports.items():
                text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
            return text

        def of_page(gateway):
            ports[8080] = gateway.address[1]
            return settings(block(PROXIES, "yaml")) + "admin: { address: %s:%d }\n" % gateway.admin

        self.gateway = gateway(of_page)
        command = proxy(folder, settings, self.address[1])
        processes.append(Process(command, folder, proxy.__name__, env=clean_environment(HOME=str(folder)), cwd=folder))
        processes[-1].wait_until(lambda: accepts(self.address), 30)


@pytest.mark.parametrize("proxy", [nginx, caddy, envoy])
def test_proxy(proxy, make_folder, processes, gateway):
    folder = make_folder()
    front = Front(proxy, folder, processes, gateway, run_upstream("python", folder, processes))
    address = front.address
    zoe, carol = sign_in(address, "zo\u00eb \u6c34"), sign_in(address, "carol")
    assert text(ask(address, "GET", "/", [zoe])) == (200, "201 zo\u00eb \u6c34")
    assert text(ask(address, "GET", "/?a=b", [zoe, *SPOOFED[:2]])) == (200, "201 zo\u00eb \u6c34")
    assert ask(address, "GET", "/admin", [zoe, *SPOOFED[:2]]).status == 403
    assert text(ask(address, "GET", "/admin", [carol])) == (200, "103 carol")
    assert ask(address, "GET", "/", SPOOFED).status == 401
    if proxy is not envoy:
        browser = ask(address, "GET", "/a?b=c", [("Accept", "text/html")])
        assert browser.status == 303 and browser.fields["Location"].startswith("/login"), browser
    # What cannot be asked lets nothing through.
    front.gateway.kill()
    assert ask(address, "GET", "/", [zoe]).status == {nginx: 500, caddy: 502, envoy: 403}[proxy]
    front.gateway.start()


@pytest.mark.parametrize("proxy", [nginx, caddy, envoy])
def test_other_spellings_end_at_the_proxy(proxy, make_folder, processes, gateway):
    recorder = Recorder()
    try:
        front = Front(proxy, make_folder(), processes, gateway, int(recorder.url.rsplit(":", 1)[1]))
        nonce = "n" + secrets.token_hex(8) + "z"
        answer = ask(front.address, "GET", f"/?n={nonce}", [sign_in(front.address, "carol"), *SPOOFED[:SPELT[proxy]]])
        assert answer.status == 200, answer
        seen = [(name, value) for name, value in recorder.one(nonce).fields.pairs
                if "".join(filter(str.isalnum, name.lower())) in ("xuserid", "xusername", "xuserrole")]
        assert sorted(value for _, value in seen) == ["103", "admin", "carol"], seen
    finally:
        recorder.stop()


# How many of SPOOFED each of them takes away, as the page says.
SPELT = {nginx: 4, caddy: 4, envoy: 3}
