"""Damages files and generates random commands for ``chaos.py``."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

NUMBERS = [
    "-1",
    "0",
    "1",
    "3",
    "0.5",
    "nan",
    "inf",
    "1e400",
    "1e-3",
    "1000000000",
    "99999999999999999999",
    "-0.1",
    "0x7f",
]
TEXTS = [
    "",
    " ",
    "x",
    "x" * 300,
    "名",
    "\udcff",
    "$x",
    "a b",
    "../..",
    "/dev/null",
    "grid/unlock",
    "a\nb",
    "{",
    "[",
    "- a",
]
JSON = ["{}", "[]", "3", "null", '{"num_agents": 0}', '{"num_agents": 1e9}', '{"grid": -3}', '{"targets": "x"}',
        '{"targets": [[9, 9]]}', '{"horizon": 0}', '{"x": 1}', "[" * 9999, '{"a":' * 99 + "1" + "}" * 99]  # fmt: skip
KEYS = ["seed", "steps", "ppo.lr", "ppo.hidden", "ppo.num_envs", "ppo.minibatches", "scope.window",
        "scope.delta", "scope.transitions", "count.table_bits", "count.count_scale", "goal.capacity",
        "goal.hamming", "threads", "workers", "eval_episodes", "eval_interval", "algo", "learner", "intrinsic",
        "success", "credit.rule", "scope.estimator", "goal.selector", "device", "state_fallback", "env_kwargs",
        "phases.reach.ppo.lr", "phases", "ppo", "env", "preset", "no.such", "", ".", "a..b"]  # fmt: skip


def damage(rng: random.Random, path: Path) -> None:
    """Damage a file in a randomly chosen way."""
    data = path.read_bytes()
    ways = [_flip, _cut, _extend, _noise, _zeros, _empty, _header, _values, _values, _deep]
    if rng.random() < 0.05:
        path.unlink()
        rng.choice([lambda: None, path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero")])()
        return
    path.write_bytes(rng.choice(ways)(rng, data))


def _flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 10])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _extend(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice([b"\0", b"x" * 1000, data, b"\n", b"}"])


def _noise(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(rng.choice([1, 8, 100, max(1, len(data))]))


def _zeros(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    stop = rng.randrange(start, len(data) + 1)
    return data[:start] + b"\0" * (stop - start) + data[stop:]


def _empty(rng: random.Random, data: bytes) -> bytes:
    return b""


def _header(rng: random.Random, data: bytes) -> bytes:
    """Change the length of a safetensors header, or a shape or type in it."""
    if rng.random() < 0.5:
        return rng.choice([0, 1, 2**63, 2**64 - 1, 10**9, len(data)]).to_bytes(8, "little") + data[8:]
    pairs = [
        (b'"F32"', b'"F64"'),
        (b'"I64"', b'"F64"'),
        (b'"shape":[', b'"shape":[9'),
        (b'"data_offsets":[', b'"data_offsets":[1'),
    ]
    return data.replace(*rng.choice(pairs), rng.choice([1, -1]))


def _values(rng: random.Random, data: bytes) -> bytes:
    """Replace the text between two separators by a random or unusual value."""
    places = [i for i, byte in enumerate(data[:20_000]) if byte in b":,[ "]
    if not places:
        return data
    start = rng.choice(places) + 1
    stop = start
    while stop < len(data) and data[stop] not in b",]}\n:":
        stop += 1
    odd = rng.choice([*NUMBERS, *TEXTS, *JSON, '"x"', "true", "NaN", "&a [*a]", "!!python/name:os.system", "os:system"])
    return data[:start] + odd.encode(errors="surrogateescape") + data[stop:]


def _deep(rng: random.Random, data: bytes) -> bytes:
    return rng.choice(
        [b"[" * 10**5, b'{"a":' * 10**4, b"a: " * 3000, b"- " * 5000, b"\x89PNG\r\n", json.dumps([1] * 9).encode()]
    )


def command(rng: random.Random, run: str, new: str) -> list[str]:
    """Return a random command: one that finishes quickly, with random options added."""

    def value() -> str:
        return rng.choice([*NUMBERS, *TEXTS, *JSON])

    name = rng.choice(["scope", "train", "train", "eval", "plot", "config", "envs", "algorithms", "resume", value()])
    if name == "scope":
        known = ["--transitions", "--delta", "--bin-width", "--window", "--estimator", "--threshold", "--preset",
                 "--seed", "--kwargs", "--state-fallback", "--json"]  # fmt: skip
        given = ["scope", "grid/unlock", "--transitions", "60", "--kwargs", '{"num_agents": 1, "grid": 3}']
    elif name == "train":
        known = ["--algo", "--preset", "--seed", "--num-envs", "--workers", "--device", "--kwargs",
                 "--state-fallback", "--success", "--scope", "--config", "--set", "--set", "--trust"]  # fmt: skip
        given = ["train", "grid/unlock", "--steps", "100", "--num-envs", "2", "--set", "scope.transitions=60", "--set",
                 "ppo.rollout_steps=5", "--set", "ppo.hidden=4", "--set", "count.table_bits=8",
                 "--out", new]  # fmt: skip
    elif name == "eval":
        known, given = ["--seed", "--best", "--env", "--trust", "--render", "--json"], ["eval", run, "--episodes", "2"]
    elif name == "resume":
        known, given = ["--seed", "--env", "--trust", "--set"], ["train", "--resume", value()]
    elif name == "config":
        known, given = ["--preset", "--algo", "--config", "--set", "--key", "--json"], ["config", "grid/unlock"]
    else:
        known, given = ["--out", "--json", "--help", value()], [name, *([value()] if name == "plot" else [])]
    for _ in range(rng.randint(0, 3)):
        option = rng.choice(known)
        given.append(option)
        if option == "--set":
            given.append(f"{rng.choice(KEYS)}={value()}")
        elif option not in ("--json", "--best", "--trust", "--help"):
            given.append(rng.choice([value(), run]))
    return [part.replace("\0", "") for part in given]
