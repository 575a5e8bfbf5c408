"""deploy/kubernetes: the manifests against the schemas of Kubernetes, and against each other."""

import os
import subprocess
import sys

import pytest
import yaml

from harness.commands import ROOT, run

FOLDER = ROOT / "deploy/kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
GATEHOUSE = ROOT / ".build/release/gatehouse"
# The oldest that is still maintained by its distributors, and a new one.
VERSIONS = ["1.29", "1.37"]


@pytest.fixture(scope="module")
def validate(tmp_path_factory):
    """The validator, in an environment of its own."""
    venv = tmp_path_factory.mktemp("validate")
    run(sys.executable, "-m", "venv", venv, timeout=120)
    try:
        run(venv / "bin/pip", "install", "--quiet", "kubernetes-validate==1.37.0", timeout=300)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"kubernetes-validate cannot be had from PyPI: {error}")
    return venv / "bin/kubernetes-validate"


@pytest.fixture(scope="module")
def resources():
    found = [document for file in FILES for document in yaml.safe_load_all(file.read_text())]
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_manifest_is_valid(validate, file, version):
    shown = run(validate, "--strict", "--kubernetes-version", version, file)
    assert "passed" in shown.stdout + shown.stderr


def test_the_validator_refuses_what_is_wrong(validate, folder):
    wrong = folder / "wrong.yaml"
    wrong.write_text((FOLDER / "deployment.yaml").read_text().replace("readinessProbe:", "readyProbe:"))
    assert run(validate, "--strict", wrong, check=False).returncode != 0


def test_everything_that_is_named_is_there(resources):
    deployment = resources["Deployment", "gatehouse"]
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = resources[kind, "gatehouse"]["spec"]
        selector = spec.get("podSelector", spec.get("selector"))
        assert selector.get("matchLabels", selector).items() <= labels, kind
    assert resources["HorizontalPodAutoscaler", "gatehouse"]["spec"]["scaleTargetRef"]["name"] == "gatehouse"
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in resources["Service", "gatehouse"]["spec"]["ports"]} <= ports
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "admin" and "admin" in ports
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    keys = resources["Secret", "gatehouse"]["stringData"]
    for volume in pod["volumes"]:
        assert all(item["key"] in keys for item in volume.get("secret", {}).get("items", []))


def test_no_secret_is_in_it(resources):
    assert set(resources["Secret", "gatehouse"]["stringData"].values()) == {""}


def test_the_pod_has_as_little_as_it_needs(resources):
    pod = resources["Deployment", "gatehouse"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not pod["automountServiceAccountToken"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.skipif(os.geteuid() != 0, reason="files of root's, as the kubelet makes them, need root")
def test_the_settings_are_good_and_agree_with_the_deployment(resources, folder):
    """The mounts as the kubelet makes them: root's files, mode 0440, of the group in fsGroup."""
    text = resources["ConfigMap", "gatehouse"]["data"]["gatehouse.yaml"]
    pod = resources["Deployment", "gatehouse"]["spec"]["template"]["spec"]
    group = pod["securityContext"]["fsGroup"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    folder.chmod(0o755)
    for mount in pod["containers"][0]["volumeMounts"]:
        inside = folder / mount["mountPath"].lstrip("/")
        inside.mkdir(parents=True)
        text = text.replace(f"{mount['mountPath']}/", f"{inside}/")
        for item in volumes[mount["name"]].get("secret", {}).get("items", []):
            secret = inside / item["path"]
            secret.write_text("an example of a secret, long enough to sign with\n")
            os.chown(secret, 0, group)
            secret.chmod(volumes[mount["name"]]["secret"].get("defaultMode", 0o644))
    (folder / "gatehouse.yaml").write_text(text)

    def check(groups):
        return run(
            "setpriv", "--reuid=10001", "--regid=10002", f"--groups={groups}", GATEHOUSE, "config", "check", "--offline",
            "--config", folder / "gatehouse.yaml", check=False)

    GATEHOUSE.stat()
    good = check(group)
    assert "no problems" in good.stdout, good.stderr
    assert check(10003).returncode == 78
    mounted = folder / "etc/gatehouse-secrets/token.secret"
    mounted.chmod(0o444)
    refused = check(group)
    assert refused.returncode == 78 and "mode 0444" in refused.stderr

    settings = yaml.safe_load(text)
    ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
    assert settings["listen"][0]["address"].endswith(f":{ports['http']}")
    assert settings["admin"]["address"].endswith(f":{ports['admin']}")
    assert int(settings["timeouts"]["drain"].rstrip("s")) + 5 < pod["terminationGracePeriodSeconds"]
