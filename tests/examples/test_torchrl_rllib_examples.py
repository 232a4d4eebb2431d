"""The TorchRL and RLlib examples, short: masks hold, the buffer is shared, the horizon cuts off and does not end."""

import functools
import importlib.util
from pathlib import Path

import pytest

from isa_wrappers import ScopeConfig, estimate_scope

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
RAY = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
STEPS = 1_500


def load(name):
    spec = importlib.util.spec_from_file_location(f"watched_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def watch(module, monkeypatch):
    """Count steps after the scope's estimate and unavailable actions among them; a state counts as won at step 5."""
    seen = {"steps": 0, "refused": 0, "goals": []}
    make, buffer = module.make_parallel, module.GoalBuffer

    def make_watched(name):
        env = make(name)
        step = env.step

        def checked(actions):
            if seen["goals"]:
                shown = env._observations()
                seen["steps"] += 1
                seen["refused"] += sum(not shown[agent]["action_mask"][int(a)] for agent, a in actions.items())
            return step(actions)

        env.step = checked
        return env

    def make_buffer(*args, **kwargs):
        seen["goals"].append(buffer(*args, **kwargs))
        return seen["goals"][-1]

    early = functools.partial(module.GoalRecording, success=lambda env, infos: env.grid_state.time >= 5)
    stand_ins = {"make_parallel": make_watched, "GoalBuffer": make_buffer, "GoalRecording": early}
    stand_ins["estimate_scope"] = functools.partial(estimate_scope, config=ScopeConfig(1_500))
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(module, name, stand_in)
    return seen


def test_torchrl(monkeypatch):
    pytest.importorskip("torchrl")
    module = load("torchrl_ppo")
    seen, paid, cut = watch(module, monkeypatch), [], []

    class Watching(module.ClipPPOLoss):
        def forward(self, batch):
            after = batch["next", "agent"]
            paid.append(after["reward"].abs().sum().item())
            cut.append((after["done"] & ~after["terminated"]).sum().item())
            return super().forward(batch)

    monkeypatch.setattr(module, "ClipPPOLoss", Watching)
    assert 0 <= module.main(steps=STEPS, seed=0, episodes=2) <= 1
    assert seen["steps"] >= STEPS
    assert seen["refused"] == 0
    assert len(seen["goals"][0]) > 0
    assert min(paid) > 0, "no intrinsic reward reached the loss"
    assert sum(cut) > 0, "nothing was done without being terminated"


def test_rllib(monkeypatch):
    for name, value in RAY.items():
        monkeypatch.setenv(name, value)
    pytest.importorskip("ray.rllib")
    pytest.importorskip("supersuit")
    import ray
    from ray.rllib.env.multi_agent_episode import MultiAgentEpisode

    module = load("rllib_ppo")
    seen, cut, add = watch(module, monkeypatch), [], MultiAgentEpisode.add_env_step

    def add_and_look(episode, *args, **kwargs):
        add(episode, *args, **kwargs)
        if episode.is_truncated:
            cut.extend(part.is_terminated for part in episode.agent_episodes.values())

    monkeypatch.setattr(MultiAgentEpisode, "add_env_step", add_and_look)
    try:
        assert 0 <= module.main(steps=STEPS, seed=0, episodes=2) <= 1
    finally:
        ray.shutdown()
    assert seen["steps"] >= STEPS
    assert seen["refused"] == 0
    assert len(seen["goals"][0]) > 0, "the buffer was copied"
    assert cut, "no episode reached the horizon"
    assert not any(cut), "an agent cut off at the horizon is not terminated"
