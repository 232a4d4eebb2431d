"""The version is the installed distribution's."""

from importlib import metadata

import isa_learners
import isa_wrappers
from isa_wrappers import version


def test_both_packages_tell_it():
    assert isa_wrappers.__version__ == isa_learners.__version__ == metadata.version("isa-marl")


def test_a_checkout_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(version, "DISTRIBUTION", "nobody-has-this")
    assert version.installed_version() == "unknown"
