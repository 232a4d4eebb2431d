"""Run third-party environments through all of ISA: check, scope, both stacks, training, evaluation, resume, plot.

Run it in the repository's root with `make third-party`. Every step is a separate process with a time limit, so that a
crash of one environment does not affect the others. Results are written to runs/third-party/results.json as they come,
and then to the table of docs/third-party.md.

python -m benchmarks.third_party [--only NAME ...] [--again] [--step STEP ...] [--table]
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.third_party_envs import ENVIRONMENTS, ThirdParty

OUT = Path("runs/third-party")
PAGE = Path("docs/third-party.md")
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
LIMIT = 600
"""Time limit of a step in seconds."""
STEPS, FURTHER = 10_000, 11_000
ALL_STEPS = ["check", "scope", "published", "stacks", "train", "eval", "resume", "plot"]
SCOPES = ("scope", "published")
"""Steps that estimate a scope: with ISA's defaults, and with the paper's estimator and threshold."""


def steps_of(name: str, entry: ThirdParty) -> dict[str, list[str]]:
    """Return the command of every step, in order."""
    task = f"benchmarks.third_party_envs:{entry.make.__name__}"
    run, scope = str(folder(name) / "run"), str(folder(name) / "scope")
    isa = [sys.executable, "-c", "from isa_cli.main import main; main()"]
    fallback = list(entry.options[:2]) if "--state-fallback" in entry.options else []
    small = ["--num-envs", "8", "--set", "eval_episodes=2", "--set", "eval_interval=10000", "--set", "eval_limit=200"]
    return {
        "check": [*isa, "check", task, *entry.options, "--json"],
        "scope": [*isa, "scope", task, *fallback, "--out", scope, "--json", "--quiet"],
        "published": [*isa, "scope", task, *fallback, "--estimator", "nmi_block", "--json", "--quiet"],
        "stacks": [sys.executable, "-m", "benchmarks.third_party_stacks", name, scope],
        "train": [*isa, "train", task, *entry.options, "--preset", "fast", "--steps", str(STEPS), "--scope", scope,
                  "--scope-is-free", "--out", run, "--quiet", *small],
        "eval": [*isa, "eval", run, "--env", task, "--episodes", "2", "--json"],
        "resume": [*isa, "train", "--resume", run, "--trust", "--steps", str(FURTHER), "--quiet"],
        "plot": [*isa, "plot", run],
    }  # fmt: skip


def folder(name: str) -> Path:
    return OUT / re.sub(r"\W+", "-", name)


def tried(command: list[str]) -> dict[str, Any]:
    """Run a step; return its exit code, its output, the last line of its errors and its seconds."""
    began = time.perf_counter()
    environ = os.environ | {"OMP_NUM_THREADS": "1", "JAXTYPING_DISABLE": "1", "SDL_VIDEODRIVER": "dummy"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environ)
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        code, out, err = -1, "", f"{late.stderr and late.stderr[-300:]}\nnot finished within {LIMIT} s"
    lines = [line for line in err.strip().splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("isa:")]
    said = (told[-1:] or lines[-1:] or [""])[0]
    seconds = time.perf_counter() - began
    return {"code": code, "out": out, "said": said[:400], "err": err[-3_000:], "seconds": seconds}


def glue(entry: ThirdParty) -> int:
    """Count the lines of code of a factory and its helpers, without `def` and `class` lines and docstrings."""
    source = "\n".join(inspect.getsource(part) for part in (entry.make, *entry.helpers))
    lines = [line.strip() for line in source.splitlines()]
    return sum(bool(line) and not line.startswith(("#", '"""', "def ", "class ")) for line in lines)


def judged(entry: ThirdParty, scope: dict[str, Any]) -> dict[str, Any]:
    """Compare a scope with the truth: missing and false dimensions, and those that random play rarely moves."""
    names = scope["state_names"] or [f"[{k}]" for k in range(scope["state_size"])]
    verdict: dict[str, Any] = {"missing": {}, "false": {}, "seldom": {}, "found": {}}
    for agent, dims in zip(scope["agents"], scope["D_i"], strict=True):
        truth = next(truth for pattern, truth in entry.truth.items() if fnmatchcase(str(agent), pattern))
        moves, seldom = (matching(names, patterns, str(agent)) for patterns in (truth.moves, truth.seldom))
        found = {names[k] for k in dims}
        for key, some in (
            ("missing", moves - found), ("false", found - moves - seldom), ("seldom", found & seldom - moves),
            ("found", found),
        ):  # fmt: skip
            verdict[key][str(agent)] = [name for name in names if name in some]
    wrong = any(any(verdict[key].values()) for key in ("missing", "false"))
    verdict["right"] = not wrong
    return verdict


def matching(names: list[str], patterns: tuple[str, ...], agent: str) -> set[str]:
    asked = [pattern.replace("{agent}", agent) for pattern in patterns]
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in asked)}


def put_through(name: str, entry: ThirdParty, result: dict[str, Any], steps: list[str]) -> None:
    """Run the steps of one environment; a step that depends on a failed one is skipped."""
    folder(name).mkdir(parents=True, exist_ok=True)
    result.update(name=name, package=entry.package, version=version(entry.package.split("[")[0]))
    done_steps = result.setdefault("steps", {})
    needs = {"stacks": "scope", "train": "scope", "eval": "train", "resume": "train", "plot": "train"}
    for step, command in steps_of(name, entry).items():
        if step not in steps:
            continue
        if step in needs and done_steps[needs[step]]["code"] != 0:
            done_steps[step] = {"code": None, "said": f"{needs[step]} failed", "out": "", "seconds": 0.0}
            continue
        done_steps[step] = done = tried(command)
        why = done["said"] if done["code"] else ""
        print(f"{name}: {step} {done['code']} in {done['seconds']:.0f} s {why}", flush=True)
        if step in SCOPES and done["code"] == 0:
            result[step] = judged(entry, json.loads(done["out"]))


def summed(verdict: dict[str, Any], key: str) -> str:
    """List dimensions, with an agent's own marked as `own` and agents with equal lists grouped."""
    said: dict[str, list[str]] = {}
    for agent, names in verdict[key].items():
        own = [re.sub(rf"^{re.escape(agent)}\.", "own ", name) for name in names]
        what = ", ".join(own) if len(own) <= 14 else f"{', '.join(own[:10])} and {len(own) - 10} more"
        said.setdefault(what, []).append(agent)
    said = {what: who for what, who in said.items() if what or key == "found"}
    if len(said) == 1 and len(next(iter(said.values()))) == len(verdict[key]):
        return next(iter(said)) or "nothing"
    return "; ".join(f"{', '.join(who)}: {what or 'nothing'}" for what, who in said.items())


def verdict_of(entry: ThirdParty, verdict: dict[str, Any] | None) -> str:
    """Describe whether a scope is right, and what is wrong with it."""
    if verdict is None:
        return "-"
    if not any(truth.moves for truth in entry.truth.values()):
        return "unusable: no part of the state belongs to one agent"
    if not any(any(names) for names in verdict["found"].values()):
        return "wrong; empty"
    said = "right" if verdict["right"] else "wrong"
    for key, words in (("missing", "misses"), ("false", "false"), ("seldom", "rarely moved, found")):
        if any(verdict[key].values()):
            said += f"; {words}: {summed(verdict, key)}"
    return said


def row(entry: ThirdParty, result: dict[str, Any]) -> str:
    """Return one row of the table."""
    steps = result["steps"]
    findings = json.loads(steps["check"]["out"])["findings"] if steps["check"]["out"].startswith("{") else []
    warned = [finding["about"] for finding in findings if finding["verdict"] == "warning"]
    check = "warns about " + ", ".join(warned) if warned else "fine"
    if steps["check"]["code"] != 0:
        check = steps["check"]["said"]
    others = [
        f"{step}: {done['said']}"
        for step, done in steps.items()
        if step not in ("check", "published") and done["code"] != 0
    ]
    scope = summed(result["scope"], "found") if "scope" in result else "none"
    right, published = (verdict_of(entry, result.get(step)) for step in SCOPES)
    if steps.get("published", {}).get("code") == 2:
        published = "refused: supports only Discrete actions"
    seconds = "/".join(f"{steps[step]['seconds']:.0f}" for step in ("check", "scope", "train"))
    cells = [
        f"{result['name']}", f"{result['package']} {result['version']}", str(glue(entry)), check,
        "; ".join(others) or "all fine", scope, right, published, entry.rules, seconds,
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def write_table(results: dict[str, Any]) -> None:
    head = (
        "| environment | package | lines | `isa check` | the other steps | `D_i` found | by the rules "
        "| as published | what an agent does | seconds |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    lines = [row(entry, results[name]) for name, entry in ENVIRONMENTS.items() if name in results]
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{head}\n" + "\n".join(lines) + f"\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(ENVIRONMENTS), choices=list(ENVIRONMENTS), metavar="NAME")
    parser.add_argument("--again", action="store_true", help="also run environments that results.json already contains")
    parser.add_argument("--step", nargs="*", choices=ALL_STEPS, help="run only these steps and update results.json")
    parser.add_argument("--table", action="store_true", help="only write the table")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in [] if asked.table else asked.only:
        if name in results and not asked.again and not asked.step:
            continue
        if not asked.step:
            shutil.rmtree(folder(name), ignore_errors=True)
            results[name] = {}
        put_through(name, ENVIRONMENTS[name], results[name], asked.step or ALL_STEPS)
        path.write_text(json.dumps(results, indent=1))
    write_table(results)


if __name__ == "__main__":
    main()
