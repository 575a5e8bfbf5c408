"""The sign-in page in a real browser, without JavaScript of its own, on a desk and on a phone."""

import http.server
import pathlib
import re
import tempfile
import threading
import urllib.parse

import pytest

from harness.chromium import Chromium
from harness.wire import request

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def chromium(suite_folder):
    browser = Chromium(pathlib.Path(tempfile.mkdtemp(dir=suite_folder)))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    chromium.call("Network.clearBrowserCookies")
    chromium.call("Emulation.setDeviceMetricsOverride", **DESK)
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    yield chromium
    chromium.go("about:blank")


def page_for_upstream(site, user=None):
    """A route of the upstream that answers with a page."""
    nonce = site.nonce(user, "maybe")
    site.recorder.script(nonce, lambda exchange: exchange.answer(200, [("Content-Type", "text/html")], b"<title>inside</title><h1>hello " + (exchange.request.user or "-").encode() + b"</h1>"))
    return f"/app/page?n={nonce}"


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_sign_in(site, browser, device):
    browser.call("Emulation.setDeviceMetricsOverride", **device)
    target = page_for_upstream(site, "101")
    browser.go(site.gateway.url + target)
    assert browser.evaluate("location.pathname") == "/login"
    browser.type("input[name=username]", "alice")
    browser.type("input[name=password]", "secret123")
    browser.loading(browser.press_enter)
    assert browser.evaluate("document.title") == "inside"
    assert browser.evaluate("document.body.innerText").strip() == "hello 101"
    assert browser.evaluate("location.pathname + location.search") == target
    cookie = browser.cookies()["session_id"]
    site.secrets.add(cookie["value"])
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert browser.evaluate("document.cookie") == ""


def test_sign_in_by_the_button_without_javascript(site, browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.go(site.gateway.url + page_for_upstream(site, "101"))
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    browser.type("input[name=username]", "alice")
    browser.type("input[name=password]", "secret123")
    browser.loading(lambda: browser.click("button[type=submit], form button, input[type=submit]"))
    assert browser.evaluate("document.title") == "inside"
    site.secrets.add(browser.cookies()["session_id"]["value"])
    assert browser.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_wrong_password_is_said_on_the_page(site, browser, device, suite_folder):
    browser.call("Emulation.setDeviceMetricsOverride", **device)
    target = page_for_upstream(site, "101")
    browser.go(site.gateway.url + target)
    browser.type("input[name=username]", "alice")
    browser.type("input[name=password]", "not the password")
    browser.loading(browser.press_enter)
    assert browser.evaluate("document.querySelector('input[name=password]').value") == ""
    assert browser.evaluate("document.querySelector('input[name=username]').value") == "alice"
    error = browser.evaluate("(e => e && e.innerText)(document.querySelector('[role=alert]'))")
    assert error and len(error) > 10
    assert "not the password" not in browser.evaluate("document.documentElement.outerHTML")
    assert "session_id" not in browser.cookies()
    # And the way on is not lost.
    browser.type("input[name=password]", "secret123")
    browser.loading(browser.press_enter)
    assert browser.evaluate("document.title") == "inside"
    site.secrets.add(browser.cookies()["session_id"]["value"])
    shot = suite_folder / "signed-in.png"
    browser.screenshot(shot)
    assert shot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_is_good_to_use(site, browser, device):
    """Labels, a language, a title, no scrolling to the side, targets large enough for a thumb, autofill hints."""
    browser.call("Emulation.setDeviceMetricsOverride", **device)
    browser.go(site.gateway.url + "/login")
    assert browser.evaluate("document.documentElement.lang")
    assert browser.evaluate("document.title")
    assert browser.evaluate("document.querySelectorAll('h1').length") == 1
    assert browser.evaluate("document.querySelector('meta[name=viewport]').content").startswith("width=device-width")
    for name, hint in (("username", "username"), ("password", "current-password")):
        field = f"document.querySelector('input[name={name}]')"
        assert browser.evaluate(f"{field}.labels.length > 0 && {field}.labels[0].innerText.trim().length > 0"), name
        assert browser.evaluate(f"{field}.autocomplete") == hint
        assert browser.evaluate(f"{field}.required")
        # Below 16 pixels a phone zooms in on focus.
        assert browser.evaluate(f"parseFloat(getComputedStyle({field}).fontSize)") >= 16
        assert browser.evaluate(f"{field}.getBoundingClientRect().height") >= 40
    assert browser.evaluate("document.querySelector('input[name=password]').type") == "password"
    assert browser.evaluate("document.querySelector('form').method") == "post"
    assert browser.evaluate("document.querySelector('form button, input[type=submit]').getBoundingClientRect().height") >= 40
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.evaluate("document.scripts.length") == 0
    # Nothing is fetched from elsewhere, or at all.
    assert browser.evaluate("performance.getEntriesByType('resource').filter(e => !e.name.startsWith(location.origin) && !e.name.startsWith('data:')).length") == 0


def test_the_page_tells_browsers_what_it_may(site):
    answer = site.ask("GET", "/login", [("Accept", "text/html")])
    assert answer.status == 200 and answer.fields["Content-Type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    policy = answer.fields["Content-Security-Policy"]
    for directive in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy, policy
    assert "unsafe-inline" not in policy and "script-src" not in policy.replace("script-src 'none'", "")
    assert answer.fields["X-Content-Type-Options"] == "nosniff"
    assert answer.fields["Referrer-Policy"] in ("no-referrer", "same-origin", "strict-origin")
    assert "no-store" in answer.fields["Cache-Control"]


@pytest.mark.parametrize("return_to", ['"><script>document.title="owned"</script>', "/x'onload=alert(1)", "/x\"onfocus=alert(1) autofocus=\"", "/<b>"])
def test_what_is_shown_is_escaped(site, browser, return_to):
    browser.go(site.gateway.url + "/login?return_to=" + urllib.parse.quote(return_to))
    assert browser.evaluate("document.title") != "owned"
    assert browser.evaluate("document.scripts.length + document.querySelectorAll('[onload],[onfocus],b').length") == 0
    browser.type("input[name=username]", '"><img src=x onerror=alert(1)>')
    browser.type("input[name=password]", "x")
    browser.loading(browser.press_enter)
    assert browser.evaluate("document.images.length + document.scripts.length") == 0


def test_a_post_from_another_site_signs_nobody_in(site, browser, suite_folder):
    """Rule 36, with the browser's own Origin and Sec-Fetch-Site: a page on another host posts the form."""
    page = f"""<title>evil</title><form method=post action="{site.gateway.url}/login"><input name=username value=alice><input name=password value=secret123><button>go</button></form>"""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    # localhost and 127.0.0.1 are two sites to a browser.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser.go(f"http://localhost:{server.server_port}/")
        browser.loading(lambda: browser.evaluate("document.forms[0].submit()"))
        assert browser.evaluate("[location.origin, performance.getEntriesByType('navigation')[0].responseStatus]") == [site.gateway.url, 403]
        browser.go(site.gateway.url + "/login")
        assert "session_id" not in browser.cookies()
    finally:
        server.shutdown()
        server.server_close()


def test_logout_by_a_form(site, browser):
    browser.go(site.gateway.url + page_for_upstream(site, "101"))
    browser.type("input[name=username]", "alice")
    browser.type("input[name=password]", "secret123")
    browser.loading(browser.press_enter)
    cookie = browser.cookies()["session_id"]["value"]
    site.secrets.add(cookie)
    browser.loading(lambda: browser.evaluate("(f => { f.method = 'post'; f.action = '/logout'; document.body.append(f); f.submit() })(document.createElement('form'))"))
    assert "session_id" not in browser.cookies()
    assert browser.evaluate("location.pathname") in ("/", "/login")
    nonce = site.nonce(forwarded="never")
    assert site.ask("GET", f"/app/?n={nonce}", [("Cookie", f"session_id={cookie}")]).status == 401


def test_an_error_page_is_a_page(site, browser):
    browser.go(site.gateway.url + "/nowhere")
    text = browser.evaluate("document.body.innerText")
    assert "404" in text or "not found" in text.lower()
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_page_by_curl_and_form(site):
    """The same steps without a browser: the form's fields are what a POST needs."""
    page = site.ask("GET", "/login?return_to=/app/", [("Accept", "text/html")]).body.decode()
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page))
    fields = {**hidden, "username": "alice", "password": "secret123"}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    with site.client() as client:
        answer = client.ask(request("POST", action[1] if action else "/login", [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")], body))
    assert answer.status == 303 and answer.fields["Location"] == "/app/"
    site.secrets.add(answer.cookie("session_id")[0])
