"""What operators watch with: the metrics are what their page, the dashboard and the alert rules say, and are written as the format demands."""

import json
import re
import shutil
import subprocess

import pytest

from harness.gateway import ROOT
from harness.processes import free_port
from harness.site import routes
from harness.wire import request

parser = pytest.importorskip("prometheus_client.parser", reason="Debian's python3-prometheus-client is not installed")
yaml = pytest.importorskip("yaml", reason="Debian's python3-yaml is not installed")

FOLDER = ROOT / "deploy" / "observability"
PAGE = ROOT / "deploy" / "observability.md"
# Prometheus adds these to each sample; le belongs to histograms.
ADDED = {"job", "instance", "le"}


@pytest.fixture(scope="module")
def scraped(module_sites):
    """The text of a scrape after traffic of every kind."""
    dead = f"http://127.0.0.1:{free_port()}"
    upstreams = {"dead": {"servers": [dead]}}
    site = module_sites({"upstreams": upstreams, "routes": [{"path": "/dead/", "upstream": "dead", "access": "public"}, *routes()]})
    session, token = site.sign_in("alice"), site.sign_in("alice", "token")
    for cookie in (None, session, token, token):
        for method, body in (("GET", None), ("POST", b"content")):
            nonce = site.nonce("101") if cookie else site.nonce(forwarded="never")
            site.ask(method, f"/app/?n={nonce}", [("Cookie", cookie)] if cookie else [], body)
    site.ask("GET", "/admin/", [("Cookie", session)])
    site.ask("GET", f"/open/?n={site.nonce()}")
    assert site.ask("GET", "/dead/").status == 502
    site.login("alice", "wrong")
    site.ask("GET", "/.gatehouse/sessions", [("Cookie", session)])
    site.ask("POST", "/logout", [("Cookie", session)])
    status, body = site.gateway.probe("/metrics")
    assert status == 200
    return body.decode()


@pytest.fixture(scope="module")
def families(scraped):
    return {family.name: family for family in parser.text_string_to_metric_families(scraped)}


@pytest.fixture(scope="module")
def samples(families):
    """The label sets of each sample's name."""
    found = {}
    for family in families.values():
        # The parser takes _total off a counter's name, and each of its samples has it.
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_the_format(scraped, families):
    assert scraped.endswith("\n") and families
    announced = [line.split(" ")[2] for line in scraped.splitlines() if line.startswith("# TYPE ")]
    assert len(announced) == len(set(announced))
    for family in families.values():
        assert family.documentation.endswith(".") and family.type in ("counter", "gauge", "histogram"), family
        assert all(re.fullmatch(r"(gatehouse|process)_[a-z_]+", sample.name) for sample in family.samples)
        if family.type == "counter":
            assert all(sample.name.endswith("_total") and sample.value >= 0 for sample in family.samples), family
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys)), family.name
        # All samples of one name have one set of labels.
        assert all(len({frozenset(sample.labels) for sample in family.samples if sample.name == name}) == 1
                   for name in {sample.name for sample in family.samples}), family.name


def test_histograms(families):
    histograms = [family for family in families.values() if family.type == "histogram"]
    assert {family.name for family in histograms} == {
        "gatehouse_request_duration_seconds", "gatehouse_upstream_duration_seconds", "gatehouse_store_duration_seconds",
        "gatehouse_hash_duration_seconds"}
    for family in histograms:
        series = {}
        for sample in family.samples:
            labels = dict(sample.labels)
            bound = labels.pop("le", None)
            series.setdefault(tuple(sorted(labels.items())), {})[bound or sample.name.removeprefix(family.name)] = sample.value
        assert series, family.name
        for values in series.values():
            count, total = values.pop("_count"), values.pop("_sum")
            bounds = sorted(values, key=float)
            heights = [values[bound] for bound in bounds]
            assert bounds[-1] == "+Inf" and heights == sorted(heights) and heights[-1] == count > 0 and total > 0, (family.name, values)


def test_the_counts_are_those_of_the_traffic(families):
    def value(name, **labels):
        found = [sample.value for family in families.values() for sample in family.samples
                 if sample.name == name and all(sample.labels[key] == each for key, each in labels.items())]
        assert found, (name, labels)
        return sum(found)

    requests = lambda **labels: value("gatehouse_requests_total", **labels)
    # As alice's session, and as her token twice; nobody gets through to it.
    assert requests(route="/app/", method="read", outcome="passed", code="200") == 3
    assert requests(route="/app/", method="write", outcome="passed", code="200") == 3
    assert requests(route="/app/", outcome="refused", code="401") == 2
    assert requests(route="/admin/", outcome="refused", code="403") == 1
    assert requests(route="/dead/", outcome="failed", code="502") == 1
    assert requests(route="-", outcome="answered", method="write") == 3  # Two sign-ins, a sign-out.
    assert value("gatehouse_upstream_errors_total", upstream="dead", kind="connect") == 1
    assert value("gatehouse_upstream_errors_total", upstream="recorder") == 0
    assert value("gatehouse_upstream_server_up", upstream="dead") == 0
    assert value("gatehouse_upstream_server_up", upstream="recorder") == 1
    assert value("gatehouse_upstream_duration_seconds_count", upstream="recorder") == 7
    assert value("gatehouse_upstream_connections", upstream="dead") == 0
    assert value("gatehouse_upstream_connections", upstream="recorder", state="in_use") == 0
    assert value("gatehouse_store_up") == 3 and value("gatehouse_store_errors_total") == 0
    for store in ("users", "sessions", "throttle"):
        assert value("gatehouse_store_duration_seconds_count", store=store, operation="write" if store == "throttle" else "read") >= 2
    # Every worker verifies the token once; whoever comes back to the same one is known there.
    looks = {result: value("gatehouse_cache_lookups_total", cache="tokens", result=result) for result in ("hit", "miss")}
    assert looks["hit"] + looks["miss"] == 4 and 1 <= looks["miss"] <= 2
    assert value("gatehouse_hash_duration_seconds_count") == 3 and value("gatehouse_hash_rejected_total") == 0
    assert value("gatehouse_hash_threads") >= 1 and value("gatehouse_hash_queue_limit") == 64
    assert value("gatehouse_sign_ins_total", outcome="accepted") == 2 and value("gatehouse_sign_ins_total", outcome="refused") == 1
    assert value("gatehouse_connections_accepted_total") == 16 and value("gatehouse_connections_refused_total") == 0
    assert value("gatehouse_content_received_bytes_total") > 4 * len("content") and value("gatehouse_content_sent_bytes_total") > 0
    assert value("process_open_fds") < value("process_max_fds") and value("process_resident_memory_bytes") > 1 << 20


def test_limits_and_slow_clients_are_counted(make_site):
    site = make_site({"limits": {"connections_per_address": 2}, "timeouts": {"head": "300ms"}})

    def value(sample):
        text = site.gateway.probe("/metrics")[1].decode()
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(sample + " "))

    with site.client() as first, site.client() as second:
        for client in (first, second):
            client.ask(request("GET", f"/open/?n={site.nonce()}"))
        with site.client() as third:
            assert third.response().status == 429
        second.send(b"GET /open/ HTTP/1.1\r\n")
        assert second.response().status == 408
    assert value('gatehouse_connections_refused_total{reason="too_many_from_address"}') == 1
    assert value('gatehouse_connections_refused_total{reason="too_many"}') == 0
    assert value('gatehouse_client_timeouts_total{kind="head"}') == 1


def test_a_store_that_is_down_shows(make_site, redis):
    site = make_site({"sessions": {"store": redis.url, "store_timeout": "200ms"}})
    cookie = site.sign_in("alice")
    up = lambda: re.search(r'^gatehouse_store_up\{store="sessions"\} (\d)$', site.gateway.probe("/metrics")[1].decode(), re.M)[1]
    assert up() == "1"
    redis.stop()
    assert site.ask("GET", "/app/", [("Cookie", cookie)]).status == 503
    assert up() == "0"
    redis.start()
    for _ in range(50):
        if site.ask("GET", f"/app/?n={site.nonce('101', forwarded='maybe')}", [("Cookie", cookie)]).status != 503:
            break
    assert up() == "1"


def expressions():
    """(where, PromQL) of both files."""
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            # label_values(metric, label) is Grafana's own.
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            yield variable["name"], f"count by ({label}) ({metric})"


@pytest.mark.parametrize("where, expression", [pytest.param(*each, id=each[0]) for each in expressions()])
def test_every_metric_and_label_that_is_watched_exists(samples, where, expression):
    bare = re.sub(r'"[^"]*"', '""', expression)
    used = set(re.findall(r"\b(?:gatehouse|process)_\w+", bare)) | ({"up"} & set(re.findall(r"\bup\b", re.sub(r"\w*_up\b", "", bare))))
    assert used, expression
    grouped = {label.strip() for group in re.findall(r"\b(?:by|without) \(([^)]*)\)", bare) for label in group.split(",")}
    known = set(ADDED)
    for metric in used - {"up"}:
        assert metric in samples, f"{where}: there is no {metric}"
        labels = set(samples[metric][0])
        known |= labels
        for matchers in re.findall(rf"\b{metric}\{{([^}}]*)\}}", expression):
            for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
                assert label in labels | ADDED, f"{where}: {metric} has no label {label}"
                if label in ADDED or "$" in value or metric == "gatehouse_requests_total":
                    continue
                values = {each[label] for each in samples[metric]}
                assert any(re.fullmatch(value, each) for each in values), f"{where}: {metric} has no {label} like {value}"
    assert grouped <= known, f"{where}: nothing in it has {grouped - known}"


def test_every_rule_says_what_to_do():
    rules = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert len(rule["annotations"]["runbook"]) > 60 and rule["annotations"]["summary"], rule["alert"]


def test_outcomes_that_are_watched_are_outcomes(samples):
    outcomes = {"passed", "answered", "refused", "failed", "broken"}
    assert {labels["outcome"] for labels in samples["gatehouse_requests_total"]} <= outcomes
    for where, expression in expressions():
        for value in re.findall(r'gatehouse_requests_total\{[^}]*outcome=~?"([^"$]*)"', expression):
            assert set(value.split("|")) <= outcomes, where


def test_the_page_lists_the_metrics(families, samples):
    """Name, kind, labels and meaning of each, as the gateway itself says them."""
    rows = re.findall(r"(?m)^\| `((?:gatehouse|process)_\w+)` \| (\w+) \|(.*?)\| (.*?) \|$", PAGE.read_text(encoding="utf-8"))
    listed = {name: (kind, set(re.findall(r"`(\w+)`", labels)), meaning) for name, kind, labels, meaning in rows}
    assert len(listed) == len(rows)
    exposed = {}
    for family in families.values():
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = set(family.samples[0].labels) - {"le"}
        exposed[name] = (family.type, labels, family.documentation)
    assert listed == exposed


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"]], ids=["rules", "config"])
def test_prometheus_takes_the_files(arguments):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's package prometheus, 96 MB)")
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_metrics(scraped):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's package prometheus, 96 MB)")
    done = subprocess.run(["promtool", "check", "metrics"], input=scraped, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
