"""The installed version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "isa-marl"


def installed_version() -> str:
    """Return the version of the installed distribution, or ``"unknown"`` for a checkout that is not installed.

    Example:
        >>> installed_version() == __version__
        True
    """
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


__version__ = installed_version()
