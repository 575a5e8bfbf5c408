"""New settings for a gateway that runs."""

import os
import signal

from .gateway import merged
from .wire import eventually


def write(site, changes):
    """The settings with `changes` laid over them, put in place in one step as editors do."""
    gateway = site.gateway
    gateway.settings = merged(gateway.settings, changes)
    config = gateway.config
    gateway.config = config.with_suffix(".new")
    gateway.write_config()
    os.replace(gateway.config, config)
    gateway.config = config


def reload(site, changes=None, taken=True):
    """SIGHUP, and what came of it."""
    if changes is not None:
        write(site, changes)
    says = "new settings hold" if taken else "the new settings are refused"
    before = site.gateway.log().count(says)
    site.gateway.process.child.send_signal(signal.SIGHUP)
    eventually(lambda: site.gateway.log().count(says) > before, 20, what=says)
