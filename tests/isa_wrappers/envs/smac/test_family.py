"""SMAC tasks by name: batches of games in worker processes, few listeners, and training over them."""

from functools import partial

import numpy as np
import pytest
from worker_toys import gone, pids

from isa_wrappers import InfluenceScope, ScopeConfig
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import SMACParallelEnv, estimate_task_scope, family_of, make_batch

pytestmark = pytest.mark.slow


def test_a_batch_of_smac_games(stand_in, tmp_path):
    batch = make_batch("smac/3m", 2, reward="super_sparse")
    assert not (tmp_path / "pids").exists(), "no game is launched before the first reset"
    step = batch.reset(seed=0)
    again = make_batch("smac/3m", 2, reward="super_sparse").reset(seed=0)
    np.testing.assert_array_equal(step.state, again.state)
    assert (batch.horizon, batch.state_names[0], batch.num_actions) == (60, "ally_0.health", (9, 9, 9))
    for _ in range(80):
        step = batch.step(step.available.argmax(-1))  # stop, or nothing for the dead
        assert not (step.terminated & step.truncated).any()
    assert batch.discarded == 0
    batch.close()
    assert all(gone(pid) for pid in pids(tmp_path / "pids"))


def crashing(**faults):
    import smac_stand_in

    smac_stand_in.FAULTS.update(faults)
    return SMACParallelEnv("3m")


def test_games_that_crash_hang_and_die_in_one_batch(stand_in, tmp_path):
    """One crashes, one hangs in the game's protocol, one takes its worker along, one is well."""
    faults = [{"crash_at": 3}, {"hang_at": 3, "hang_s": 0.1}, {"die_at": 3}, {}]
    batch = ParallelEnvBatch([partial(crashing, **fault) for fault in faults], workers=True, timeout=60.0)
    step = batch.reset(seed=0)
    for time_now in range(1, 6):
        last, step = step, batch.step(step.available.argmax(-1))
        lost = [True, True, True, False] if time_now == 3 else [False] * 4
        assert step.truncated.tolist() == lost
        assert not step.terminated.any()
        assert not step.success.any()
        assert step.discarded.tolist() == lost
        if time_now == 3:
            np.testing.assert_array_equal(step.final_state[:3], last.state[:3])
            assert step.alive.all(), "every copy is in its next episode"
    assert batch.discarded == 3
    batch.close()
    assert all(gone(pid) for pid in pids(tmp_path / "pids"))


def test_games_may_share_a_process(stand_in, tmp_path):
    batch, apart = make_batch("smac/3m", 3, workers=2), make_batch("smac/3m", 3)
    shared, alone = batch.reset(seed=0), apart.reset(seed=0)
    for _ in range(5):
        np.testing.assert_array_equal(shared.state, alone.state)
        actions = shared.available.argmax(-1)
        shared, alone = batch.step(actions), apart.step(actions)
    launched = pids(tmp_path / "pids")
    assert len(launched) == 6
    batch.close()
    apart.close()
    assert all(gone(pid) for pid in launched)


def test_scope_by_name_uses_few_games(stand_in, tmp_path):
    config = ScopeConfig(60, delta=0.3, estimator="nmi_pooled", bin_width=0.02)
    scope = estimate_task_scope("smac/3m", config, reward="sparse")
    assert scope.settings["env"] == "smac/3m"
    assert len(pids(tmp_path / "pids")) == 3, "one an agent"
    assert all(gone(pid) for pid in pids(tmp_path / "pids"))
    assert [family_of("smac/25m").listeners(agents) for agents in (3, 8, 25)] == [3, 8, 8]


def test_training_goes_on_over_smac(stand_in, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from learner_helpers import tiny_config

    from isa_learners.runs.algorithm import Algorithm

    config = tiny_config("smac/3m", {"reward": "super_sparse"}, ppo={"rollout_steps": 10})
    monkeypatch.setenv("SMAC_STAND_IN_FAULTS", '{"crash_at": 15}')
    reach = {f"ally_{i}": [[4 * i + 2, 4 * i + 3]] * 6 + [[12 + 3 * k] for k in range(3)] for i in range(3)}
    scope = InfluenceScope.from_dimensions(reach, state_size=21)
    algorithm = Algorithm(config, scope)
    for _ in range(3):
        metrics = algorithm.iterate()
        assert all(np.isfinite(value) for value in metrics.values())
    assert algorithm.phase.statistics.env.discarded == 2
    told = algorithm.phase.statistics.take()
    assert (told["discarded"], told["episodes"]) == (2, 0)
    assert algorithm.evaluate(2, seed=1).episodes == 0, "both crash"
    monkeypatch.delenv("SMAC_STAND_IN_FAULTS")
    assert algorithm.evaluate(3, seed=1).episodes == 3
    assert algorithm.env_steps == 60
