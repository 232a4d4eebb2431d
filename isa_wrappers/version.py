"""Which version is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "isa-marl"


def installed_version() -> str:
    """Return the version of the installed distribution, ``"unknown"`` where a checkout is used as it lies there.

    Example:
        >>> installed_version() == __version__
        True
    """
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


__version__ = installed_version()
