"""Policies as files of others: run there, they act as the policy does."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from policy_helpers import DEATHS_AND_MASKS, NUMBERS, drawn_algorithm

from isa_learners.learner import LEARNERS
from isa_learners.runs import export
from isa_learners.runs.export import STEPS, export_policy
from isa_learners.runs.export_check import TOLERANCE, compare
from isa_learners.runs.policy import RunPolicy
from isa_learners.runs.policy_module import PolicyModule
from isa_wrappers.errors import CannotWriteError, ExportError, InvalidValueError, MissingDependencyError

pytestmark = pytest.mark.slow
ENDINGS = [".pt2", ".onnx"]


def needs(ending):
    if ending == ".onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package, reason="pip install 'isa-marl[export]'")


PROGRAMS = {}
"""What was traced, by the policy's name."""


@pytest.fixture
def traced(monkeypatch):
    """Trace the policy of a name once: policies drawn alike are alike, and files of all kinds begin with the trace."""
    trace = export._program

    def named(name):
        def once(module):
            if name not in PROGRAMS:
                PROGRAMS[name] = trace(module)
            return PROGRAMS[name]

        monkeypatch.setattr(export, "_program", once)

    return named


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("env", [DEATHS_AND_MASKS, NUMBERS], ids=["deaths and masks", "numbers and choices"])
def test_a_file_acts_as_the_policy_does(ending, env, traced, tmp_path):
    needs(ending)
    traced(env[0])
    asked = {} if (ending, env) == (".pt2", DEATHS_AND_MASKS) else {"steps": 150}  # as long as usual only once
    written = export_policy(RunPolicy(drawn_algorithm(env=env)), tmp_path / f"policy{ending}", **asked)
    assert written.steps == asked.get("steps", STEPS)
    assert STEPS == 1_000
    assert 0 < written.difference.largest <= TOLERANCE == 1e-5, "other arithmetic, and the same numbers"
    assert written.difference.others == 0
    assert list(written.inputs) == [
        "observation", "action_mask", "alive", "start", "goal", "last_action", "actor_hidden",
    ]  # fmt: skip
    assert list(written.outputs) == ["action", "next_last_action", "next_actor_hidden"]
    assert json.dumps(asdict(written))


NETWORKS = {
    "lstm": ({"network": "lstm"}, ["actor_hidden"]),
    "mlp": ({"network": "mlp", "layers": [6, 5]}, []),
    "own": ({"network": "network_toys:Own"}, ["actor_hidden"]),
    "each agent its own lstm": ({"network": "lstm", "share_parameters": False}, ["actor_hidden"]),
    "each agent its own mlp": ({"network": "mlp", "share_parameters": False}, []),
    "normalised": ({"normalize_obs": True}, ["actor_hidden"]),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_acts_in_a_file_as_the_policy_does(name, ending, traced, tmp_path):
    needs(ending)
    traced(name)
    settings, remembered = NETWORKS[name]
    algorithm = drawn_algorithm(ppo=settings)
    written = export_policy(RunPolicy(algorithm), tmp_path / f"policy{ending}", steps=50)
    assert written.difference.small
    assert list(written.inputs)[5:] == ["last_action", *remembered]
    if remembered:
        size = algorithm.phase.learner.ppo.actor.state_size
        assert written.inputs["actor_hidden"] == f"float32 [B, 3, {size}]"


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_every_learner_can_be_exported(learner, tmp_path):
    written = export_policy(RunPolicy(drawn_algorithm("ippo", learner=learner)), tmp_path / "policy.pt2", steps=50)
    assert written.difference.small
    assert "goal" not in written.inputs


def test_an_onnx_file_plays_on_its_own(traced, tmp_path):
    """From its own memory, from step to step, in as many environments as one likes; it says what it is of."""
    needs(".onnx")
    traced(DEATHS_AND_MASKS[0])
    import onnx
    import onnxruntime

    policy = RunPolicy(drawn_algorithm())
    export_policy(policy, tmp_path / "policy.onnx", steps=10)
    session = onnxruntime.InferenceSession(tmp_path / "policy.onnx")
    rng = np.random.default_rng(0)
    for count in (1, 3):
        policy.reset(0)
        memory = {
            "last_action": np.zeros((count, 3), np.int64),
            "actor_hidden": np.zeros((count, 3, 4), np.float32),
        }
        for t in range(200):
            seen = rng.normal(size=(count, 3, 2)).astype(np.float32)
            mask = rng.random((count, 3, 3)) < 0.6
            mask[..., 1] |= ~mask.any(-1)
            alive, start = rng.random((count, 3)) < 0.7, (rng.random(count) < 0.1) | (t == 0)
            goal = rng.normal(size=(count, 3)).astype(np.float32)
            wanted = policy.act(seen, {"action_mask": mask, "alive": alive, "done": start}, goal)
            told = {"observation": seen, "action_mask": mask, "alive": alive, "start": start, "goal": goal}
            action, memory["last_action"], memory["actor_hidden"] = session.run(None, told | memory)
            assert (action == wanted).all()
            np.testing.assert_allclose(memory["actor_hidden"], policy.memory["actor_hidden"], atol=1e-5)
    (said,) = onnx.load(tmp_path / "policy.onnx").metadata_props
    assert said.key == "isa"
    about = json.loads(said.value)
    assert about["agents"] == ["walker_0", "walker_1", "walker_2"]
    assert about["task"] == DEATHS_AND_MASKS[0]


def test_a_program_says_what_it_is_of(traced, tmp_path):
    traced(DEATHS_AND_MASKS[0])
    export_policy(RunPolicy(drawn_algorithm()), tmp_path / "policy.pt2", steps=10)
    said = {"isa.json": ""}
    torch.export.load(tmp_path / "policy.pt2", extra_files=said)
    assert json.loads(said["isa.json"])["algo"] == "isa"


def test_what_acts_otherwise_is_not_written(traced, tmp_path, monkeypatch):
    traced(DEATHS_AND_MASKS[0])
    read = export.FORMATS[".pt2"][1]

    def other(data, module):
        run = read(data, module)
        return lambda inputs: [x + 1e-4 if x.dtype.kind == "f" else x for x in run(inputs)]

    monkeypatch.setitem(export.FORMATS, ".pt2", (export.FORMATS[".pt2"][0], other))
    with pytest.raises(
        ExportError, match=r"is not written: over 20 steps it acts differently .* differ by up to 1.0e-04"
    ):
        export_policy(RunPolicy(drawn_algorithm()), tmp_path / "policy.pt2", steps=20)
    assert not list(tmp_path.iterdir())


def test_other_actions_are_counted():
    policy = RunPolicy(drawn_algorithm())
    module = PolicyModule(policy)

    def first(inputs):
        with torch.no_grad():
            action, *rest = (x.numpy() for x in module(*inputs))
        return [np.zeros_like(action), *rest]

    found = compare(policy, module, first, 50)
    assert found.largest == 0
    assert 0.2 < found.others < 0.8
    assert not found.small


def test_a_learner_that_cannot_be_traced_is_told_in_one_line(tmp_path):
    policy = RunPolicy(drawn_algorithm())
    act = policy.learner.act
    policy.learner.act = lambda step, memory, noise=None: act(step, memory) if float(step.obs.sum()) < 1 else 0
    with pytest.raises(ExportError, match="torch cannot export this policy: ") as caught:
        export_policy(policy, tmp_path / "policy.pt2", steps=5)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["policy", "policy.pt", "policy.onnx.gz"])
def test_other_endings_are_refused(name, tmp_path):
    with pytest.raises(InvalidValueError, match=r"ends in \.onnx or \.pt2, got"):
        export_policy(RunPolicy(drawn_algorithm()), tmp_path / name)


@pytest.mark.parametrize("steps", [0, -1, True, 2.0])
def test_a_check_of_no_steps_is_refused(steps, tmp_path):
    """It would say of any file that it acts as the policy does."""
    with pytest.raises(InvalidValueError, match=f"steps must be an integer at least 1, got {steps}"):
        export_policy(None, tmp_path / "policy.onnx", steps)


def test_without_onnx_the_extra_is_named(traced, tmp_path, monkeypatch):
    traced(DEATHS_AND_MASKS[0])
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(
        MissingDependencyError, match=r"need onnx, which is not installed: pip install 'isa-marl\[export"
    ):
        export_policy(RunPolicy(drawn_algorithm()), tmp_path / "policy.onnx")


def test_a_folder_that_is_a_file(traced, tmp_path):
    traced(DEATHS_AND_MASKS[0])
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError):
        export_policy(RunPolicy(drawn_algorithm()), tmp_path / "file" / "policy.pt2", steps=5)
