"""Two gateways that share their stores and the token secret: who is known at one is known at the other."""

from harness.gateway import Gateway
from harness.wire import Client, request


def test_sessions_in_redis_are_honoured_and_ended_by_both(make_site, redis):
    site = make_site({"sessions": {"store": redis.url}})
    one = site.gateway
    two = Gateway(one.folder, name="second")
    # Each has made a secret of its own in the folder, which the first has read already.
    (one.folder / "token.secret").write_bytes(one.secret)
    settings = dict(one.settings, listen=[{"address": "%s:%d" % two.address}], admin={"address": "%s:%d" % two.admin})
    two.settings = settings
    two.write_config()
    two.start()
    try:
        session = [("Cookie", site.sign_in("alice"))]
        token = [("Cookie", site.sign_in("bob", "token"))]

        def ask(gateway, method, target, fields):
            with Client(gateway.address) as client:
                return client.ask(request(method, target, fields), method).status

        for gateway in (one, two):
            assert ask(gateway, "GET", f"/app/?n={site.nonce('101')}", session) == 200
            assert ask(gateway, "GET", f"/app/?n={site.nonce('102')}", token) == 200
        # Ended at the second, it is unknown to the first at once; a token ends by itself alone.
        origin = [("Origin", one.settings["public_url"])]
        assert ask(two, "POST", "/logout", session + origin) in (204, 303)
        for gateway in (one, two):
            assert ask(gateway, "GET", "/app/", session) == 401
            assert ask(gateway, "GET", f"/app/?n={site.nonce('102')}", token) == 200
        # And by the command, at both.
        other = [("Cookie", site.sign_in("alice"))]
        assert ask(two, "GET", f"/app/?n={site.nonce('101')}", other) == 200
        two.do("session", "revoke", "--user", "alice")
        assert [ask(gateway, "GET", "/app/", other) for gateway in (one, two)] == [401, 401]
    finally:
        two.stop()
