"""Another program's users: read by a role that has SELECT alone in PostgreSQL, and from a SQLite file of which nothing is written."""

import hashlib
import json
import sqlite3

import pytest

from harness.gateway import BCRYPT_SECRET123
from harness.pages import block
from harness.postgresql import PostgreSQL

PEOPLE = [
    # id, email, password, roles, disabled_at
    (7, "Alice@Example.com", BCRYPT_SECRET123, ["staff", "admin"], None),
    (8, "bob@example.com", BCRYPT_SECRET123, [], None),
    (9, "gone@example.com", BCRYPT_SECRET123, ["admin"], "2025-07-01 10:00:00"),
    (10, "odd@example.com", BCRYPT_SECRET123, ["a,b"], None),
    (11, "sso@example.com", None, [], None),
]
COLUMNS = {"id": "id", "username": "email", "password_hash": "password", "roles": "roles", "disabled": "disabled_at"}
BCRYPT = {"algorithm": "bcrypt", "cost": 10}


@pytest.fixture(scope="module")
def server():
    made = PostgreSQL()
    yield made
    made.remove()


class App:
    """The other program's database, filled."""

    def users(self):
        return {"store": self.store, "table": self.table, "columns": COLUMNS, "usernames": "case_folded"}


class SQLiteApp(App):
    table = "people"

    def __init__(self, folder):
        self.path = folder / "app.db"
        self.store = f"sqlite:{self.path}"
        with sqlite3.connect(self.path) as connection:
            connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, password TEXT, roles TEXT, disabled_at TEXT, secret TEXT)")
            connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, 'x')",
                                   [(*row[:3], json.dumps(row[3]), row[4]) for row in PEOPLE])
        connection.close()
        self.path.chmod(0o400)
        self.sessions = f"sqlite:{folder / 'gatehouse.db'}"

    def state(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class PostgreSQLApp(App):
    table = "app.people"

    def __init__(self, server):
        self.server = server
        self.database = server.new_database()
        self.role = f"role_{self.database}"
        self.store = self.sessions = server.url(self.database, self.role, "change-me")
        server.ask("CREATE SCHEMA app; CREATE TABLE app.people (id BIGINT PRIMARY KEY, email TEXT, password VARCHAR(100), roles TEXT[],"
                   " disabled_at TIMESTAMPTZ, secret TEXT)", self.database)

        def literal(value):
            if isinstance(value, list):
                return "ARRAY[" + ", ".join(map(literal, value)) + "]::TEXT[]"
            return "NULL" if value is None else f"'{value}'"

        for row in PEOPLE:
            server.ask(f"INSERT INTO app.people VALUES ({', '.join(map(literal, row))}, 'x')", self.database)

    def grant(self):
        """What the page says, for a role of our own."""
        server = self.server
        for statement in block("config/users.md", "sql").replace("gatehouse;", f"{self.role};").replace("gatehouse LOGIN", f"{self.role} LOGIN").split("\n"):
            if statement:
                server.ask(statement.partition("--")[0].replace("AUTHORIZATION gatehouse", f"AUTHORIZATION {self.role}"), self.database)
        return self

    def state(self):
        return self.server.ask("SELECT * FROM app.people ORDER BY id", self.database)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request, shared_sites):
    if request.param == "sqlite":
        return SQLiteApp(shared_sites.new_folder())
    return PostgreSQLApp(request.getfixturevalue("server")).grant()


def start(make_site, app, **more):
    site = make_site({"users": app.users(), "sessions": {"store": app.sessions}, "passwords": BCRYPT, **more}, start=False)
    site.gateway.start()
    return site


def ask(site, cookie, user, path="/app/"):
    nonce = site.nonce(user, "never" if user is None else "once")
    return site.ask("GET", f"{path}?n={nonce}", [("Cookie", cookie)]), nonce


@pytest.mark.parametrize("kind", ["session", "token"])
def test_both_flows(make_site, app, kind):
    before = app.state()
    site = start(make_site, app)
    check = site.gateway.command("config", "check")
    assert check.returncode == 0 and check.stderr == "", check
    answer = site.login("ALICE@example.COM", "secret123", kind)
    assert answer.status == 200
    # One name, whatever was typed and whatever the table has.
    assert answer.json()["user"] == {"id": "7", "username": "alice@example.com", "role": "staff,admin"}
    name = "token" if kind == "token" else "session_id"
    cookie = f"{name}={answer.cookie(name)[0]}"
    reply, nonce = ask(site, cookie, "7", "/admin/")
    assert reply.status == 200
    seen = site.recorder.one(nonce).fields
    assert [seen.all(name) for name in ("X-User-Id", "X-User-Name", "X-User-Role")] == [["7"], ["alice@example.com"], ["staff,admin"]]
    bob = site.login("bob@example.com", "secret123", kind)
    assert ask(site, f"{name}={bob.cookie(name)[0]}", None, "/admin/")[0].status == 403
    for who in ("gone@example.com", "sso@example.com", "nobody@example.com"):
        assert site.login(who, "secret123", kind).status == 401, who
    odd = site.login("odd@example.com", "secret123", kind)
    assert odd.status == 503
    assert "user 10: column role: The role has a comma" in site.gateway.access_line(odd.fields["X-Request-Id"])["note"]
    assert app.state() == before
    site.joined()


def test_spellings_are_counted_as_one(make_site, app):
    """Rule 35: no spelling of a name gets a count of its own; and the counts are not in the other program's database."""
    site = start(make_site, app)
    names = ["BOB@example.com", "bob@EXAMPLE.com", "Bob@example.com", "bOb@example.com", "boB@example.com"]
    assert {site.login(name, "wrong", source="127.0.0.30").status for name in names} == {401}
    assert site.login("bob@example.com", "secret123", source="127.0.0.30").status == 429
    assert site.login("alice@example.com", "secret123", source="127.0.0.30").status == 200


def test_require_and_explain(make_site, app):
    routes = [{"path": "/staff/", "upstream": "recorder", "require": {"role": ["ops", "staff"], "user": ["Alice@Example.com"]}}]
    site = start(make_site, app, routes=routes)
    shown = site.gateway.do("explain", "GET", "/staff/", "--as", "ALICE@EXAMPLE.COM")
    for part in ("alice@example.com is user 7 of " + app.table, "with the roles staff, admin", "requires the role ops or staff: met by staff",
                 "requires the user alice@example.com: met", "passes", "X-User-Role: staff,admin"):
        assert part in shown, (part, shown)
    shown = site.gateway.do("explain", "GET", "/staff/", "--as", "bob@example.com")
    assert "no role" in shown and "not met" in shown and "403" in shown, shown
    assert "is disabled" in site.gateway.do("explain", "GET", "/staff/", "--as", "gone@example.com")
    answer = site.login("alice@example.com", "secret123")
    assert ask(site, "session_id=" + answer.cookie("session_id")[0], "7", "/staff/")[0].status == 200


def test_commands_read_and_refuse(make_site, app):
    site = start(make_site, app)
    listed = site.gateway.do("user", "list")
    assert "alice@example.com" in listed and "staff,admin" in listed and "odd@example.com" not in listed, listed
    assert "disabled" in site.gateway.do("user", "show", "Gone@example.com")
    assert "alice@example.com" in site.gateway.do("user", "show", "--by-id", "7")
    before = app.state()
    for arguments in (("add", "eve", "--password-stdin"), ("passwd", "bob@example.com", "--password-stdin"), ("disable", "bob@example.com"),
                      ("enable", "gone@example.com"), ("remove", "bob@example.com")):
        refused = site.gateway.command("user", *arguments, stdin="long enough 1\n")
        assert refused.returncode == 1 and "another program" in refused.stderr and app.table in refused.stderr, refused
    assert app.state() == before
    site.login("alice@example.com", "secret123")
    assert "ended 1 session" in site.gateway.do("session", "revoke", "--user", "ALICE@example.com")


def test_hashes_are_left_alone_unless_asked(make_site, server):
    app = PostgreSQLApp(server).grant()
    stronger = {"algorithm": "bcrypt", "cost": 11}
    site = start(make_site, app, passwords=stronger)
    warned = site.gateway.command("config", "check")
    assert warned.returncode == 0 and "bcrypt, cost 10" in warned.stderr and "bcrypt, cost 11" in warned.stderr, warned
    before = app.state()
    assert site.login("alice@example.com", "secret123").status == 200
    assert app.state() == before
    site.gateway.stop()
    site.gateway.settings["users"]["rehash"] = True
    site.gateway.write_config()
    refused = site.gateway.command("config", "check")
    assert refused.returncode == 78 and "users.rehash" in refused.stderr, refused
    server.ask(refused.stderr[refused.stderr.index("GRANT UPDATE"):].splitlines()[0], app.database)
    assert site.gateway.command("config", "check").returncode == 0
    site.gateway.start()
    assert site.login("alice@example.com", "secret123").status == 200
    assert server.ask("SELECT left(password, 7) FROM app.people WHERE id = 7", app.database) == ["$2b$11$"]
    assert site.login("alice@example.com", "secret123").status == 200


def test_config_check_says_what_is_missing(make_site, server):
    """First everything, then what the SQL that it printed has left."""
    app = PostgreSQLApp(server)
    server.ask(f"CREATE ROLE {app.role} LOGIN PASSWORD 'change-me'")
    site = make_site({"users": app.users(), "sessions": {"store": app.sessions}, "passwords": BCRYPT}, start=False)
    gateway = site.gateway

    def check(*arguments):
        return gateway.command("config", "check", *arguments)

    first = check()
    assert first.returncode == 78 and first.stdout == ""
    lines = first.stderr.splitlines()
    keys = [line.split(": ")[1] for line in lines]
    assert keys == ["users.table", "users.table", "sessions.store"], lines
    assert all(line.startswith(str(gateway.config) + ":") for line in lines), lines
    assert check("--offline").returncode == 0
    for problem in json.loads(check("--json").stdout):
        message = problem["message"]
        server.ask(message[min(message.index(word) for word in ("GRANT ", "CREATE ") if word in message):], app.database)
    done = check()
    assert done.returncode == 0 and "no problems" in done.stdout, done
    gateway.settings["users"]["columns"] = {**COLUMNS, "roles": "role"}
    gateway.write_config()
    wrong = check()
    assert wrong.returncode == 78 and 'users.columns.roles: app.people has no column "role"; it has id, email' in wrong.stderr, wrong
    gateway.settings["users"].update(table="app.persons", columns=COLUMNS)
    gateway.write_config()
    assert "users.table: there is no table app.persons in postgresql://127.0.0.1" in check().stderr
    # The gateway does not start with a table that it cannot read.
    refused = gateway.command("serve")
    assert refused.returncode == 1 and "app.persons" in refused.stderr, refused


def test_the_page(make_site, server):
    """The settings of the page, as they stand there."""
    app = PostgreSQLApp(server).grant()
    text = block("config/users.md", "yaml").replace("postgresql://gatehouse@db.example.com/app?sslmode=verify-full",
                                                    app.store.replace(":change-me", ""))
    site = make_site({}, start=False)
    gateway = site.gateway
    (gateway.folder / "postgresql.password").write_text("change-me\n")
    (gateway.folder / "postgresql.password").chmod(0o600)
    for key in ("users", "sessions"):
        del gateway.settings[key]
    # The rest is JSON, which is YAML; a line each, so that the two can stand in one file.
    rest = "".join(f"{key}: {json.dumps(value)}\n" for key, value in gateway.settings.items())
    gateway.write_config = lambda: gateway.config.write_text(rest + text)
    gateway.write_config()
    assert gateway.command("config", "check").stderr == ""
    gateway.start()
    assert site.login("Alice@example.com", "secret123").status == 200


def test_a_query(make_site, server):
    app = PostgreSQLApp(server).grant()
    query = ("SELECT id, email AS username, password AS password_hash, array_to_string(roles, ',') AS roles, disabled_at AS disabled\n"
             "FROM app.people -- all of them")
    site = make_site({"users": {"store": app.store, "query": query}, "sessions": {"store": app.sessions}, "passwords": BCRYPT}, start=False)
    site.gateway.start()
    answer = site.login("Alice@Example.com", "secret123")
    assert answer.status == 200 and answer.json()["user"]["role"] == "staff,admin"
    # Exactly as it is written.
    assert site.login("alice@example.com", "secret123").status == 401
    assert site.login("gone@example.com", "secret123").status == 401
    for path, status in (("/admin/", 200), ("/app/", 200)):
        assert ask(site, "session_id=" + answer.cookie("session_id")[0], "7", path)[0].status == status
    assert "users.query" in site.gateway.do("explain", "GET", "/admin/", "--as", "Alice@Example.com")
