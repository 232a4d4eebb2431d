"""``--json``: exactly one JSON object on stdout, whatever environments print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer

from isa_wrappers.plain import finite

_streams: list[TextIO] = []


def json_alone(context: typer.Context, requested: bool) -> bool:
    """Reserve stdout for :func:`print_json` until the command ends; the callback of ``--json``."""
    if requested and sys.stdout is not None and sys.stderr is not None:
        context.with_resource(_reserved_stdout())
    return requested


def print_json(value: Any) -> None:
    """Print the JSON object; NaN and infinite numbers become ``null``."""
    stream = _streams[-1] if _streams else sys.stdout
    stream.write(json.dumps(finite(value), allow_nan=False) + "\n")
    stream.flush()


@contextmanager
def _reserved_stdout() -> Iterator[None]:
    """Redirect everything that Python or native code prints to stderr.

    The process's own stdout is not restored: environments may also print while they close.
    """
    out, is_own = sys.stdout, sys.stdout is sys.__stdout__
    out.flush()
    descriptor = os.dup(1)
    os.dup2(2, 1)
    stream = os.fdopen(os.dup(descriptor), "w", encoding=out.encoding, errors=out.errors) if is_own else out
    _streams.append(stream)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = out
        _streams.remove(stream)
        if is_own:
            stream.close()
        else:
            os.dup2(descriptor, 1)
        os.close(descriptor)
