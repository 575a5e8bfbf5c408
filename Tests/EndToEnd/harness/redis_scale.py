"""Redis with replicas: under sentinels, and as a cluster. Real processes, on free ports of the loopback address."""

import pathlib
import subprocess
import tempfile

from .processes import Process, free_port
from .redis import Redis
from .wire import eventually


class Certificates:
    """An authority, and a certificate of 127.0.0.1 that it made."""

    def __init__(self, folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self._openssl("req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", self.path("ca.key"), "-out", self.authority, *key)
        self._openssl("req", "-subj", "/CN=redis", "-keyout", self.path("redis.key"), "-out", self.path("redis.csr"), *key)
        self.path("redis.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", self.path("redis.csr"), "-CA", self.authority, "-CAkey", self.path("ca.key"), "-CAcreateserial",
                      "-days", "2", "-extfile", self.path("redis.ext"), "-out", self.path("redis.crt"))

    def path(self, name):
        return self.folder / name

    @property
    def authority(self):
        return self.path("ca.crt")

    @property
    def options(self):
        """Of a server, besides its tls-port."""
        return ["--tls-cert-file", self.path("redis.crt"), "--tls-key-file", self.path("redis.key"), "--tls-ca-cert-file", self.authority,
                "--tls-auth-clients", "no"]

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


class Deployment:
    """What both kinds have in common. `self.nodes` are the servers; with certificates each also listens with TLS."""

    def __init__(self, folder, certificates=None):
        self.folder = folder
        self.certificates = certificates
        self.nodes = []
        self.others = []

    def node(self, *options):
        """Not started. Its `service_port` is where the gateway and the other servers find it."""
        node = Redis(pathlib.Path(tempfile.mkdtemp(dir=self.folder)), options=options)
        node.service_port = node.port
        if self.certificates:
            node.service_port = free_port()
            node.options += ["--tls-port", node.service_port, "--tls-replication", "yes", *self.certificates.options]
        self.nodes.append(node)
        return node

    def query(self):
        return f"?ca_file={self.certificates.authority}" if self.certificates else ""

    def scheme(self, kind):
        return ("rediss" if self.certificates else "redis") + "+" + kind

    def stop(self):
        for process in self.others:
            process.kill()
        for node in self.nodes:
            node.stop()

    @property
    def alive(self):
        return [node for node in self.nodes if node.process and node.process.running]

    def masters(self):
        return [node for node in self.alive if node.command("ROLE")[0] == b"master"]

    def serving(self):
        return self.masters()

    def further_failovers(self):
        """How many there were besides the one that the test caused: on a starved machine a server that lives is taken for dead."""
        return 0

    def holds(self, key):
        """Whether a master that serves has the key."""
        for node in self.serving():
            try:
                if node.command("EXISTS", key) == 1:
                    return True
            except AssertionError as error:
                assert "MOVED" in str(error) or "CLUSTERDOWN" in str(error), error
        return False


class Sentinel(Deployment):
    """A master with two replicas, and three sentinels, which give it up after a second."""

    SERVICE = "gate-master"

    def __init__(self, folder, certificates=None, options=()):
        super().__init__(folder, certificates)
        self.options = options

    def start(self):
        master = self.node("--repl-diskless-sync-delay", "0", *self.options).start()
        replicas = [self.node("--replicaof", f"127.0.0.1 {master.service_port}", "--repl-diskless-sync-delay", "0", *self.options).start() for _ in range(2)]
        for replica in replicas:
            eventually(lambda: b"master_link_status:up" in replica.command("INFO", "replication"), 20)
        self.ports = [free_port() for _ in range(3)]
        self.sentinels = []
        for port in self.ports:
            folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
            lines = [f"sentinel monitor {self.SERVICE} 127.0.0.1 {master.service_port} 2", f"sentinel down-after-milliseconds {self.SERVICE} 1000",
                     f"sentinel failover-timeout {self.SERVICE} 5000", f"sentinel parallel-syncs {self.SERVICE} 2"]
            (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
            listen = ["--port", port]
            if self.certificates:
                listen = ["--port", "0", "--tls-port", port, "--tls-replication", "yes", *self.certificates.options]
            self.others.append(Process(["redis-server", folder / "sentinel.conf", "--sentinel", "--bind", "127.0.0.1", "--dir", folder, *listen], folder, f"sentinel-{port}"))
        for port in self.ports:
            # They have found one another and both replicas, so that a vote can be held.
            eventually(lambda: self.ask(port, "ckquorum").startswith("OK 3 usable"), 30, 0.1)
            eventually(lambda: self.ask(port, "replicas").count("master-link-status\nok") == 2, 30, 0.1)
        return self

    def ask(self, port, question):
        tls = ["--tls", "--cacert", str(self.certificates.authority)] if self.certificates else []
        done = subprocess.run(["redis-cli", "-p", str(port), *tls, "sentinel", question, self.SERVICE], capture_output=True, text=True, timeout=10)
        return done.stdout

    @property
    def url(self):
        return f"{self.scheme('sentinel')}://" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + f"/{self.SERVICE}/0{self.query()}"

    def serving(self):
        """The one that the sentinels name; another that was replaced may live on for a while."""
        port = int(self.ask(self.ports[0], "get-master-addr-by-name").split()[1])
        return [node for node in self.nodes if node.service_port == port]

    def further_failovers(self):
        words = self.ask(self.ports[0], "master").split()
        return int(words[words.index("config-epoch") + 1]) - 1

    def kill_master(self):
        (master,) = self.serving()
        master.process.kill()
        return master


class Cluster(Deployment):
    """Three masters with a replica each, which take a server for dead after a second."""

    def start(self):
        for _ in range(6):
            self.node("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", free_port(),
                      "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0",
                      *(["--tls-cluster", "yes"] if self.certificates else []))
        for node in self.nodes:
            node.start()
        tls = ["--tls", "--cacert", str(self.certificates.authority)] if self.certificates else []
        made = subprocess.run(["redis-cli", *tls, "--cluster", "create", *(f"127.0.0.1:{node.service_port}" for node in self.nodes),
                               "--cluster-replicas", "1", "--cluster-yes"], capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr
        for node in self.nodes:
            eventually(lambda: b"cluster_state:ok" in node.command("CLUSTER", "INFO"), 30, 0.05)
        for node in self.nodes:
            if node not in self.masters():
                eventually(lambda: b"master_link_status:up" in node.command("INFO", "replication"), 30, 0.05)
        return self

    @property
    def url(self):
        # Two of the six; they tell of the others.
        return f"{self.scheme('cluster')}://" + ",".join(f"127.0.0.1:{node.service_port}" for node in self.nodes[:2]) + self.query()

    def kill_master(self):
        # One that the settings name, so that it is missed there too.
        master = next(node for node in self.nodes[:2] if node in self.masters())
        master.process.kill()
        return master
