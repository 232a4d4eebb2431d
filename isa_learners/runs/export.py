"""Export of a run's policy to ONNX or torch.export; each file is checked against the policy."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from isa_learners.runs.export_check import Difference, Run, compare
from isa_learners.runs.policy import RunPolicy
from isa_learners.runs.policy_module import PolicyModule
from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import ExportError, InvalidValueError, MissingDependencyError, check_int, shown
from isa_wrappers.files import replacing

STEPS = 1_000
ABOUT = "isa"
"""Name of the metadata in the file, as JSON."""


@dataclass(frozen=True)
class Exported:
    """An exported policy.

    Attributes:
        path: path of the file.
        inputs: name -> data type and shape for B environments.
        outputs: name -> data type and shape.
        steps: number of steps over which it was compared with the policy.
        difference: difference between both outputs.
    """

    path: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    steps: int
    difference: Difference


def export_policy(policy: RunPolicy, path: str | Path, steps: int = STEPS) -> Exported:
    """Export a policy to a file, after comparing both under deaths, action masks and ends of episodes.

    Args:
        policy: policy on the CPU.
        path: file that ends in ``.onnx``, or in ``.pt2`` for ``torch.export``.
        steps: number of steps of the check, with four environments each.

    Raises:
        InvalidValueError: for another file name extension, or no steps.
        MissingDependencyError: if onnx, onnxscript or onnxruntime is needed and missing.
        CannotWriteError: if the file cannot be written.
        ExportError: if torch cannot export the learner, or the exported policy acts differently.
    """
    path, steps = Path(path), check_int("steps", steps, 1)
    if path.suffix not in FORMATS:
        raise InvalidValueError(f"a policy is exported to a file that ends in .onnx or .pt2, got {str(path)!r}")
    write, read = FORMATS[path.suffix]
    module = PolicyModule(policy)
    with _quietly(), torch.no_grad():
        data = write(_program(module), module, json.dumps(policy.about()))
        run = read(data, module)
    difference = compare(policy, module, run, steps)
    if not difference.small:
        raise ExportError(
            f"{path} is not written: over {steps:,} steps it acts differently from the policy ({difference})"
        )
    with replacing(path) as file:
        file.write(data)
    with torch.no_grad():
        example_inputs, example_outputs = module.example(1), module(*module.example(1))
    inputs, outputs = _kinds(module.input_names, example_inputs), _kinds(module.output_names, example_outputs)
    return Exported(str(path), inputs, outputs, steps, difference)


def _program(module: PolicyModule) -> ExportedProgram:
    """Trace the policy for any number of environments.

    Raises:
        ExportError: if torch cannot trace the learner.
    """
    example = module.example(2)  # with a single environment, torch would fix the batch size
    try:
        return torch.export.export(module, example, dynamic_shapes=(tuple({0: Dim.DYNAMIC} for _ in example),))
    except Exception as error:  # a third-party learner may raise anything
        raise ExportError(f"torch cannot export this policy: {shown(error)}") from error


def _write_program(program: ExportedProgram, module: PolicyModule, about: str) -> bytes:
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={f"{ABOUT}.json": about})
    return file.getvalue()


def _read_program(data: bytes, module: PolicyModule) -> Run:
    loaded = torch.export.load(io.BytesIO(data)).module()

    def run(inputs: Sequence[Tensor]) -> list[Any]:
        return [to_numpy(x) for x in loaded(*inputs)]

    return run


def _write_onnx(program: ExportedProgram, module: PolicyModule, about: str) -> bytes:
    _need_onnx()
    onnx_program = torch.onnx.export(
        program, input_names=module.input_names, output_names=module.output_names, dynamo=True, verbose=False
    )
    if onnx_program is None:
        raise ExportError("torch created no ONNX model of this policy")
    proto = onnx_program.model_proto
    entry = proto.metadata_props.add()
    entry.key, entry.value = ABOUT, about
    return bytes(proto.SerializeToString())


def _read_onnx(data: bytes, module: PolicyModule) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    input_names = {model_input.name for model_input in session.get_inputs()}

    def run(inputs: Sequence[Tensor]) -> list[Any]:
        named = zip(module.input_names, inputs, strict=True)
        return [
            np.asarray(x) for x in session.run(None, {name: to_numpy(x) for name, x in named if name in input_names})
        ]

    return run


FORMATS: dict[str, tuple[Callable[[ExportedProgram, PolicyModule, str], bytes], Callable[[bytes, PolicyModule], Run]]]
FORMATS = {".onnx": (_write_onnx, _read_onnx), ".pt2": (_write_program, _read_program)}
"""File name extension -> functions that write the file, and that read it as a function."""


def _need_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"ONNX files need {error.name}, which is not installed: pip install 'isa-marl[export]'; a file that "
            "ends in .pt2 needs only torch"
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the messages of torch's exporters."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _kinds(names: Sequence[str], values: Sequence[Tensor]) -> dict[str, str]:
    """Return name -> data type and shape, such as ``float32 [B, 3, 28]``."""
    items = zip(names, values, strict=True)
    return {
        name: f"{str(x.dtype).removeprefix('torch.')} [{', '.join(['B', *map(str, x.shape[1:])])}]" for name, x in items
    }
