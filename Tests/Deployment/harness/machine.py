"""What this machine has to give: a port, and packages made on it."""

import os
import socket

from .commands import ROOT, run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pack(folder, **variables):
    """The path of a package of the release build, made by deploy/package, with less time spent on making it small."""
    environment = dict(
        os.environ, BINARY=str(ROOT / ".build/release/gatehouse"), DEBFULLNAME="A Packager", DEBEMAIL="packager@gatehouse.org",
        DPKG_DEB_COMPRESSOR_TYPE="gzip", DPKG_DEB_COMPRESSOR_LEVEL="1", **variables)
    return run(ROOT / "deploy/package", folder, env=environment, timeout=200).stdout.strip()
