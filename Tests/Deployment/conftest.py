"""Fixtures. The engine and the images are made once; where no engine can be had, the tests that need one are skipped, with why."""

import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.client import Client  # noqa: E402
from harness.engine import Compose, Engine, NoEngine  # noqa: E402
from harness.machine import free_port, pack  # noqa: E402
from harness.root import Root  # noqa: E402


@pytest.fixture(scope="session")
def debian():
    """Debian 12 as debootstrap makes it, for all tests to copy from. DEBIAN_ROOT names one that is there already."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap and chroot need root")
    if "DEBIAN_ROOT" in os.environ:
        yield Root(pathlib.Path(os.environ["DEBIAN_ROOT"]))
        return
    with tempfile.TemporaryDirectory(prefix="gatehouse-debian-") as path:
        root = Root(pathlib.Path(path) / "root")
        root.bootstrap()
        yield root


@pytest.fixture(scope="session")
def engine(request):
    engine = Engine()
    try:
        engine.start()
    except NoEngine as reason:
        pytest.skip(f"no container engine: {reason}")
    try:
        engine.stand_ins(request.getfixturevalue("debian").path)
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Two of Debian's packages of the gateway, the second newer."""
    folder = tmp_path_factory.mktemp("packages")
    return pack(folder), pack(folder, VERSION="99.0.0")


@pytest.fixture(scope="module")
def compose(engine, request):
    """The project of the module's COMPOSE, up from nothing and gone again afterwards."""
    project = Compose(request.module.COMPOSE, free_port())
    try:
        project.up()
        Client(project.port).wait(seconds=30)
        yield project
    finally:
        project.down("--volumes", "--remove-orphans")


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="gatehouse-deployment-") as path:
        yield pathlib.Path(path)
