"""Runs of a plan on a Ray cluster, one task per run. Runs of a node that dies resume on another node.

If a node cannot access the folder of the comparison, the task carries the run's files there and back.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.local import ONE_THREAD, START_ERRORS, Outcome, command, failure_reason, options_of
from isa_learners.experiments.plan import PlannedRun
from isa_wrappers.errors import InvalidValueError, MissingDependencyError, shown
from isa_wrappers.files import replacing, write_text

PATIENCE = 20.0
"""Seconds to wait until an address answers."""
RETRIES = 20
"""Maximum number of restarts of a run on another node."""
POLL_SECONDS = 1.0
TOKEN = ".comparison"
"""File by which a node detects whether it can access the folder of the comparison."""
Files = dict[str, bytes]


def run_on_ray(
    comparison: Comparison,
    runs: Sequence[PlannedRun],
    address: str | None,
    resources: Mapping[str, Any],
    ended: Callable[[Outcome], None],
    look: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Complete runs on a cluster; failures do not stop the other runs.

    Args:
        comparison: comparison of the runs.
        runs: runs to complete.
        address: address of the cluster, ``auto`` for the cluster of this machine; ``None`` starts a local one.
        resources: resources of a run: ``num_cpus``, ``num_gpus``, ``memory``, or custom names of the cluster.
        ended: called when a run has ended.
        look: called regularly.

    Raises:
        MissingDependencyError: if Ray is missing.
        InvalidValueError: if the address does not answer, or no node has these resources.
        CannotWriteError: if the comparison's folder cannot be written to.
    """
    ray = connect(address)
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        ended(outcome)

    try:
        _check_resources(ray, resources)
        token = uuid.uuid4().hex
        write_text(_token(comparison), token)
        task = ray.remote(**_options(resources))(train_on_node)
        waiting = {}
        for run in runs:
            try:
                waiting[task.remote(*_task_arguments(comparison, run, token))] = run
            except START_ERRORS as error:
                report(Outcome.failed(run, error))
        while waiting:
            ready, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
            for reference in ready:
                report(_outcome(ray, comparison, waiting.pop(reference), reference))
            look()
    finally:
        ray.shutdown()
        with suppress(OSError):
            (comparison.root / TOKEN).unlink()
    return outcomes


def connect(address: str | None) -> Any:
    """Connect to a cluster and return the ``ray`` module.

    Raises:
        MissingDependencyError: if Ray is missing.
        InvalidValueError: if the address does not answer in time.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("--on ray needs Ray: pip install 'isa-marl[ray]'") from error
    if address is not None and address != "auto":
        _check_answers(address)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
        raise InvalidValueError(f"no Ray cluster answers at {shown(address)}: {error}") from error
    return ray


def train_on_node(path: str, options: list[str], token_file: str, token: str, files: Files) -> tuple[int, str, Files]:
    """Train a run on a node, in its folder or in a local folder with its files.

    Returns:
        Exit code, stderr, and the files of the run; no files if the folder is shared.
    """
    shared = False
    with suppress(OSError):
        shared = Path(token_file).read_text() == token
    if shared:
        return (*_train(options, path), {})
    with tempfile.TemporaryDirectory(prefix="isa-run-") as own_folder:
        write_files(Path(own_folder), files)
        code, stderr = _train(options, own_folder)
        return code, stderr, files_of(Path(own_folder))


def files_of(path: Path) -> Files:
    """Return the files of a run by their path in its folder."""
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def write_files(path: Path, files: Files) -> None:
    """Write files to their paths in a folder."""
    for name, content in files.items():
        with replacing(path / name) as file:
            file.write(content)


def _train(options: list[str], path: str) -> tuple[int, str]:
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command(path, options),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **ONE_THREAD},
        ) as process,
    ):
        code = process.wait()
        log.seek(0)
        return code, log.read().decode(errors="replace")


def _outcome(ray: Any, comparison: Comparison, run: PlannedRun, reference: Any) -> Outcome:
    try:
        code, stderr, files = ray.get(reference)
        write_files(comparison.path(run), files)
        return Outcome(run, failure_reason(code, stderr) if code else None)
    except (*START_ERRORS, ray.exceptions.RayError) as error:
        return Outcome.failed(run, error)


def _task_arguments(comparison: Comparison, run: PlannedRun, token: str) -> tuple[str, list[str], str, str, Files]:
    """Create a run's folder and return the arguments of :func:`train_on_node`."""
    path = comparison.prepare(run).resolve()
    return str(path), options_of(comparison, run), str(_token(comparison)), token, files_of(path)


def _token(comparison: Comparison) -> Path:
    return (comparison.root / TOKEN).resolve()


def _options(resources: Mapping[str, Any]) -> dict[str, Any]:
    known_resources = {name: value for name, value in resources.items() if name in ("num_cpus", "num_gpus", "memory")}
    others = {name: value for name, value in resources.items() if name not in known_resources}
    return {"max_retries": RETRIES, **known_resources, **({"resources": others} if others else {})}


def _check_resources(ray: Any, resources: Mapping[str, Any]) -> None:
    names = {"num_cpus": "CPU", "num_gpus": "GPU"}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    requested = {names.get(name, name): value for name, value in resources.items()}
    if not any(all(node.get(name, 0) >= value for name, value in requested.items()) for node in nodes):
        raise InvalidValueError(f"no node of the cluster has {requested}; the largest have {nodes[:3]}")


def _check_answers(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InvalidValueError(f"--on takes ray:auto or ray:HOST:PORT, got {shown('ray:' + address)}")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InvalidValueError(f"no Ray cluster answers at {address} within {PATIENCE:.0f} s: {error}") from error
