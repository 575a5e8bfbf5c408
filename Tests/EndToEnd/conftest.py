"""Fixtures. A site is shared by the tests of a run (or of a module) that do not change it; tests that stop, starve or
reconfigure something have one of their own. After every test the joiner compares both sides."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.redis import Redis  # noqa: E402
from harness.site import Site  # noqa: E402

LOGS = pytest.StashKey()


def pytest_configure(config):
    config.stash[LOGS] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the gateway's log."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for site in item.config.stash[LOGS]:
            report.sections.append((f"log of {site.gateway.name} in {site.gateway.folder.name}", site.gateway.log()[-5000:]))


@pytest.fixture(scope="session")
def suite_folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-e2e-"))
    yield path
    if "GATEHOUSE_KEEP" not in os.environ:
        shutil.rmtree(path, ignore_errors=True)


class Sites:
    """Makes sites and ends them, in whatever way the test went."""

    def __init__(self, config, folder):
        self.config = config
        self.folder = folder
        self.made = []

    def new_folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def __call__(self, settings=None, start=True, name="gatehouse"):
        """`settings` may be a function of the folder."""
        folder = self.new_folder()
        site = Site(folder, settings(folder) if callable(settings) else settings, name)
        self.made.append(site)
        self.config.stash[LOGS].append(site)
        try:
            return site.start() if start else site
        except BaseException:
            self.made.remove(site)
            site.abandon()
            raise

    def end(self):
        problems = []
        for site in reversed(self.made):
            try:
                site.stop()
            except AssertionError as error:
                problems.append(str(error))
            finally:
                site.abandon()
                self.config.stash[LOGS].remove(site)
        self.made.clear()
        assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def shared_sites(request, suite_folder):
    sites = Sites(request.config, suite_folder)
    yield sites
    sites.end()


@pytest.fixture(scope="module")
def module_sites(request, suite_folder):
    sites = Sites(request.config, suite_folder)
    yield sites
    sites.end()


@pytest.fixture
def make_site(request, suite_folder):
    sites = Sites(request.config, suite_folder)
    yield sites
    sites.end()


@pytest.fixture(scope="session")
def suite_site(shared_sites):
    """Sessions in SQLite, two workers, every other setting at its default."""
    return shared_sites()


@pytest.fixture
def site(suite_site):
    yield suite_site
    suite_site.joined()


@pytest.fixture
def redis(suite_folder):
    folder = pathlib.Path(tempfile.mkdtemp(dir=suite_folder))
    server = Redis(folder).start()
    yield server
    server.stop()
