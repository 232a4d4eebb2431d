"""Robustness test with kills, damaged files, random options and arguments; counts accumulate in a file over runs.

    python benchmarks/chaos.py --seconds 120                       # adds to benchmarks/chaos.json
    python benchmarks/chaos.py --part kills --seed 17 --cases 1    # repeats one case

No data may be lost, no traceback shown, no process left behind, and no command may hang. On the grid tasks, a run that
was killed and resumed must equal an uninterrupted one. Each failure is stored with its part and seed. Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers"), str(ROOT / "tests" / "isa_wrappers")]

import damage  # noqa: E402
import matplotlib.backends.backend_agg  # noqa: E402 - imported by commands, so that forks have it
import matplotlib.figure  # noqa: E402, F401
import mpe2.simple_spread_v3  # noqa: E402, F401
import torch.utils.tensorboard  # noqa: E402
from cli_helpers import of_task  # noqa: E402
from forks import FailureError, Forks  # noqa: E402

from isa_cli.main import main as isa  # noqa: E402
from isa_learners.checkpoint import load_checkpoint  # noqa: E402
from isa_learners.runs.run_folder import RunFolder  # noqa: E402
from isa_wrappers.errors import ISAError  # noqa: E402
from isa_wrappers.scope.files import load_scope  # noqa: E402

TASKS = {
    "grid": [*of_task("grid/unlock"), "--steps", "300"],
    "mpe": [*of_task("mpe/simple_spread_v3"), "--steps", "400"],
    "own": [*of_task("toy_envs:walk"), "--steps", "260", "--workers", "2"],
}
PARTS = ["kills", "files", "loaders", "options", "arguments"]
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


class Chaos(Forks):
    """The test cases: each part takes a random generator and a name that marks its processes.

    Args:
        folder: where the cases write their files.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.outcomes: dict[str, int] = {}
        self._whole: dict[str, Path] = {}

    def count(self, what: str) -> None:
        self.outcomes[what] = self.outcomes.get(what, 0) + 1

    def whole(self, task: str) -> Path:
        """Return an uninterrupted run of a task."""
        if task not in self._whole:
            path = self.folder / f"whole-{task}"
            code = self.wait(self.start(lambda: isa(["train", *TASKS[task], "--out", str(path)]), "whole"), 300)
            self.check_said(code, (0,))
            self._whole[task] = path
        return self._whole[task]

    # --- parts ---

    def kills(self, rng: random.Random, name: str) -> None:
        """Kill a run repeatedly at random moments, let it finish, and compare it with an uninterrupted run."""
        task = rng.choice([*TASKS, "grid", "grid"])
        whole, run = self.whole(task), self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        own = ["toy_envs:walk"] if task == "own" else []
        seconds = float(json.loads((whole / "summary.json").read_text())["wall_time_s"]) * 1.3 + 0.6
        for _ in range(rng.randint(3, 10)):
            begun = (run / "config.yaml").exists()
            arguments = [*own, "--resume", str(run)] if begun else [*TASKS[task], "--out", str(run)]
            number = rng.choice(SIGNALS)
            process = self.start(lambda given=arguments: isa(["train", *given]), name)
            self.pause(process, rng.uniform(0.01, seconds))
            os.kill(process, number)
            code = self.wait(process)
            self.count(f"{task} {number.name} -> {code}")
            self.check_said(code, (0, 128 + number, -number))
            self.check_gone(name)
            self.check_files(run)
        arguments = (
            [*own, "--resume", str(run)] if (run / "config.yaml").exists() else [*TASKS[task], "--out", str(run)]
        )
        self.check_said(self.wait(self.start(lambda: isa(["train", *arguments]), name)), (0,))
        self.check_gone(name)
        self.check_files(run)
        if left := [str(path) for path in run.rglob("*") if "partial" in path.name or "set-aside" in path.name]:
            raise FailureError(f"temporary files left behind: {left}")
        if not (run / "versions.json").exists() or not (run / "summary.json").exists():
            raise FailureError("versions.json or summary.json is missing")
        same = _numbers(run) == _numbers(whole)
        if task == "grid" and not same:
            raise FailureError(f"the resumed run differs from the uninterrupted:\n{_numbers(run)}\n{_numbers(whole)}")
        if task == "grid" and not _same_checkpoint(run, whole):
            raise FailureError("the last checkpoint differs from that of the uninterrupted run")

    def check_files(self, run: Path) -> None:
        for path in run.glob("checkpoints/*.safetensors"):
            load_checkpoint(path)
        steps = [int(row["env_steps"]) for row in _rows(run)]
        if steps != sorted(set(steps)):
            raise FailureError(f"rows of metrics.csv are out of order or repeated: {steps}")

    def files(self, rng: random.Random, name: str) -> None:
        """Damage one or two files of a run and pass the run to a command."""
        run = self.folder / "damaged"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.whole("grid"), run, ignore=shutil.ignore_patterns("tensorboard", "*.png"))
        hurt = [path for path in run.rglob("*") if path.is_file() and path.name != ".lock"]
        for path in rng.sample(hurt, rng.choice([1, 1, 1, 2])):
            damage.damage(rng, path)
        command = rng.choice([["eval"], ["eval", "--best"], ["plot"], ["plot", "--out", str(self.folder / "a.png")],
                              ["train", "--resume"], ["scope"]])  # fmt: skip
        if command == ["scope"]:
            arguments = ["train", *TASKS["grid"], "--steps", "100", "--scope", str(run), "--out", str(run / "new")]
        else:
            more = ["--episodes", "2"] if command[0] == "eval" else []
            arguments = [*command, str(run), *more]
        self.count(f"{arguments[0]} -> {self.command(arguments, name)}")

    def loaders(self, rng: random.Random, name: str) -> None:
        """Damage a file and load it, a hundred times; loading must raise an ISAError or return the original content."""
        whole, copy = self.whole("grid"), self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy, ignore=shutil.ignore_patterns("tensorboard", "*.png"))
        scope, (tensors, _) = load_scope(whole), load_checkpoint(whole / "checkpoints" / "latest.safetensors")

        def work() -> None:
            for _ in range(100):
                file = rng.choice(["scope.json", "scope.safetensors", "checkpoints/latest.safetensors", "config.yaml"])
                damage.damage(rng, copy / file)
                try:
                    if file.startswith("scope"):
                        read = load_scope(copy)
                        same = np.array_equal(read.influence, scope.influence)
                        same = same and read.action_dims == scope.action_dims
                    elif file == "config.yaml":
                        same = RunFolder.open(copy).config().env != ""
                    else:
                        read, _ = load_checkpoint(copy / file)
                        same = read.keys() == tensors.keys() and all(torch.equal(read[n], tensors[n]) for n in read)
                    if not same:
                        raise FailureError(f"{file} loads without an error but with different content")
                except ISAError:
                    pass
                if (copy / file).is_dir():
                    (copy / file).rmdir()
                (copy / file).unlink(missing_ok=True)
                shutil.copy(whole / file, copy / file)

        code = self.wait(self.start(work, name))
        if code:
            raise FailureError(f"exit code {code}: {self.said()[-1500:]}")
        self.count("loaders -> a hundred")

    def options(self, rng: random.Random, name: str) -> None:
        """Run a command with random options and values."""
        arguments = damage.command(rng, str(self.whole("grid")), str(self.folder / "new"))
        shutil.rmtree(self.folder / "new", ignore_errors=True)
        self.count(f"{arguments[0]} -> {self.command(arguments, name)}")

    def arguments(self, rng: random.Random, name: str) -> None:
        """Call public classes and functions with random arguments, a hundred times."""
        import test_checks

        def work() -> None:
            for _ in range(100):
                make, usual = test_checks.MAKERS[rng.choice(list(test_checks.MAKERS))]
                given = [rng.choice(test_checks.ODD) if rng.random() < 0.4 else value for value in usual]
                with suppress(ISAError):
                    make(*given)

        code = self.wait(self.start(work, name))
        if code:
            raise FailureError(self.said()[-1500:])
        self.count("arguments -> a hundred")


def _rows(run: Path) -> list[dict[str, str]]:
    path = run / "metrics.csv"
    if not path.exists():
        return []
    text = path.read_text()
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def _numbers(run: Path) -> list[dict[str, str]]:
    clocks = ("wall_time_s", "steps_per_second")
    return [{key: value for key, value in row.items() if key not in clocks} for row in _rows(run)]


def _same_checkpoint(one: Path, other: Path) -> bool:
    (a, _), (b, _) = (load_checkpoint(run / "checkpoints" / "latest.safetensors") for run in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def main() -> None:
    """Run cases until the time is up or ``--cases`` is reached, and add up the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--part", choices=PARTS, nargs="*")
    parser.add_argument("--seed", type=int, help="seed of the first case; default: the first seed not used yet")
    parser.add_argument("--counts", type=Path, default=ROOT / "benchmarks" / "chaos.json")
    given = parser.parse_args()
    kept = given.counts.absolute()
    counts = json.loads(kept.read_text()) if kept.exists() else {"parts": {}, "failures": []}
    parts = given.part or PARTS
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="isa-chaos-") as folder:
        os.chdir(folder)
        chaos = Chaos(Path(folder))
        end = time.monotonic() + given.seconds
        for part in (parts[k % len(parts)] for k in range(given.cases)):
            if time.monotonic() > end:
                break
            told = counts["parts"].setdefault(part, {"cases": 0, "failures": 0, "outcomes": {}})
            seed = told["cases"] if given.seed is None else given.seed + told.get("again", 0)
            told["cases"] += 1
            chaos.outcomes = told["outcomes"]
            try:
                getattr(chaos, part)(random.Random(f"{part} {seed}"), f"{os.getpid()}-{part}-{seed}")
            except (FailureError, ISAError, OSError, ValueError) as failure:
                told["failures"] += 1
                counts["failures"].append({"part": part, "seed": seed, "what": f"{type(failure).__name__}: {failure}"})
                print(f"{part} {seed}: {str(failure)[-600:]}", file=sys.stderr)
            if given.seed is None:
                kept.write_text(json.dumps(counts, indent=1) + "\n")  # after each case: the program may be interrupted
        os.chdir(ROOT)
    print(json.dumps({part: {**told, "outcomes": ...} for part, told in counts["parts"].items()}, default=str))


if __name__ == "__main__":
    main()
