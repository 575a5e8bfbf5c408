"""A container engine for the tests: one of their own, or the one that DOCKER_HOST names."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from .commands import ROOT, Failed, run

STAND_INS = ROOT / "Tests/Deployment/stand-ins"
# The stand-ins, the build and the images, in octets.
ROOM = 10 * 1024**3


class NoEngine(Exception):
    """There is none, and none can be started: why."""


class Firewall:
    """What the engine adds to the machine's packet filter and links, so that it can be taken away again."""

    def __init__(self):
        self.rules = self._rules()
        self.forwarding = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
        self.links = self._links()

    @staticmethod
    def _rules():
        """Lines of iptables-save with their table."""
        table, rules = None, []
        for line in run("iptables-save").stdout.splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A"):
                rules.append((table, line))
            elif line.startswith(":"):
                chain, policy = line[1:].split()[:2]
                rules.append((table, f":{chain} {policy}"))
        return rules

    @staticmethod
    def _links():
        return {path.name for path in pathlib.Path("/sys/class/net").iterdir()}

    def restore(self):
        before = set(self.rules)
        added = [rule for rule in self._rules() if rule not in before]
        chains = []
        for table, line in added:
            if line.startswith("-A"):
                run("sh", "-c", f"iptables -t {table} -D {line[3:]}", check=False)
            else:
                chains.append((table, *line[1:].split()))
        for table, chain, policy in chains:
            if policy == "-":
                run("iptables", "-t", table, "-X", chain, check=False)
        for table, line in self.rules:
            if line.startswith(":") and not line.endswith("-"):
                run("iptables", "-t", table, "-P", *line[1:].split(), check=False)
        for link in self._links() - self.links:
            if link == "docker0" or link.startswith(("br-", "veth")):
                run("ip", "link", "delete", link, check=False)
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text(self.forwarding)


class Engine:
    """dockerd with every file of its own in a temporary folder."""

    def __init__(self):
        self.process = None
        self.folder = None
        self.firewall = None

    def start(self):
        if os.environ.get("DOCKER_HOST"):
            self._ask()
            return self
        self._check_machine()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-engine-"))
        self.firewall = Firewall()
        host = f"unix://{self.folder}/socket"
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
                 "--pidfile", self.folder / "pid", "--host", host, "--config-file", self._configuration()],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        os.environ["DOCKER_HOST"] = host
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _configuration(self):
        """The machine's own configuration of an engine is not ours."""
        path = self.folder / "daemon.json"
        path.write_text("{}")
        return path

    @staticmethod
    def _check_machine():
        if os.geteuid() != 0:
            raise NoEngine("an engine of the tests' own needs root; set DOCKER_HOST to use one that runs")
        for program in ("dockerd", "docker", "iptables", "debootstrap"):
            if shutil.which(program) is None:
                raise NoEngine(f"there is no {program} here")
        # Two engines would share the bridge docker0 and the chains of the packet filter.
        for name in pathlib.Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if name.read_text().strip() == "dockerd":
                    raise NoEngine("another engine runs here, which is left alone; set DOCKER_HOST to use it")
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < ROOM:
            raise NoEngine(f"{tempfile.gettempdir()} has {free >> 30} GiB free; {ROOM >> 30} are needed")

    @staticmethod
    def _ask():
        try:
            run("docker", "version", "--format", "{{.Server.Version}}", timeout=20)
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            raise NoEngine(f"no engine answers at {os.environ['DOCKER_HOST']}: {error}") from error

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._ask()
            except NoEngine:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise NoEngine(f"dockerd does not start here:\n{log[-2000:]}") from None
            time.sleep(0.2)

    def stand_ins(self, debian):
        """Makes what cannot be pulled here; what the engine has already is taken as it is."""
        run(STAND_INS, timeout=400, env=dict(os.environ, DEBIAN_ROOT=str(debian)))

    def stop(self):
        """Ends the engine, if it is the tests' own, and takes away all that it left."""
        if self.process is None:
            return
        with contextlib.suppress(Failed, subprocess.TimeoutExpired):
            for container in run("docker", "ps", "--all", "--quiet").stdout.split():
                run("docker", "rm", "--force", container, check=False)
            run("docker", "network", "prune", "--force")
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        del os.environ["DOCKER_HOST"]
        for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
            point = line.split()[1]
            if point.startswith(f"{self.folder}/"):
                run("umount", point, check=False)
        self.firewall.restore()
        shutil.rmtree(self.folder, ignore_errors=True)


class Compose:
    """A project that `docker compose` runs from one file under deploy."""

    def __init__(self, file, port):
        self.file = ROOT / "deploy" / file
        self.port = port
        self.project = f"gatehouse-test-{os.getpid()}-{self.file.name.split('.')[1]}"
        is_plugin = run("docker", "compose", "version", check=False).returncode == 0
        self.program = ["docker", "compose"] if is_plugin else ["docker-compose"]

    def __call__(self, *arguments, **options):
        environment = dict(os.environ, PORT=str(self.port))
        command = [*self.program, "--file", self.file, "--project-name", self.project, *arguments]
        return run(*command, env=environment, cwd="/", **options)

    def up(self):
        # Built where the engine has not built these sources yet, which takes minutes.
        self("up", "--detach", "--build", timeout=1_200)

    def container(self, service):
        return self("ps", "--quiet", service).stdout.split()[0]

    def execute(self, service, *command, **options):
        return run("docker", "exec", "--interactive", self.container(service), *command, **options)

    def logs(self, service):
        return run("docker", "logs", self.container(service))

    def down(self, *arguments):
        self("down", "--timeout", "40", *arguments, timeout=200)
