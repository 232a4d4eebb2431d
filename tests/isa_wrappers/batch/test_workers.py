"""Copies in worker processes: the same numbers as in one process; what dies, hangs or fails; nobody left behind."""

import os
import subprocess
import sys
import time
from dataclasses import fields
from functools import partial

import numpy as np
import pytest
from worker_toys import Counter

from isa_wrappers import BatchEnv, BatchStep, InfluenceScope, ScopeConfig
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import GridParallelEnv, SMACParallelEnv, estimate_task_scope, make_batch
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError, WorkerError


def batch_of(*faults, timeout=None, **options):
    return ParallelEnvBatch([partial(Counter, fault, **options) for fault in faults], workers=True, timeout=timeout)


def steps(batch, count):
    return [batch.step(np.ones((batch.num_envs, len(batch.agents)), dtype=np.int64)) for _ in range(count)]


def gone(pid, patience=5.0):
    """Tell whether a process has ended; one that nobody has collected yet has."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        if state.strip() in ("", "Z"):
            return True
        time.sleep(0.05)
    return False


def pids(path):
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def test_workers_give_the_same_numbers_as_one_process():
    make = partial(GridParallelEnv, "shooting", targets="random", horizon=9)
    local = ParallelEnvBatch([make() for _ in range(3)])
    apart = ParallelEnvBatch([make] * 3, workers=True)
    assert isinstance(apart, BatchEnv)
    for name in ("agents", "num_actions", "obs_size", "state_size", "state_names", "action_names", "horizon"):
        assert getattr(apart, name) == getattr(local, name)
    rng = np.random.default_rng(0)
    both = local.reset(5), apart.reset(5)
    for _ in range(25):
        for field in fields(BatchStep):
            np.testing.assert_array_equal(*(getattr(step, field.name) for step in both), err_msg=field.name)
            assert getattr(both[0], field.name).dtype == getattr(both[1], field.name).dtype
        noise = rng.random(both[0].available.shape) * both[0].available
        both = local.step(noise.argmax(-1)), apart.step(noise.argmax(-1))
    assert both[0].obs.any()
    apart.close()
    with pytest.raises(WorkerError, match="the batch is closed"):
        apart.reset()


@pytest.mark.parametrize(("fault", "timeout"), [("die", None), ("hang", 2.0)])
def test_a_lost_worker_is_replaced_and_its_episode_discarded(tmp_path, fault, timeout):
    batch = batch_of(None, fault, timeout=timeout, once=tmp_path / "once", game=tmp_path / "games")
    batch.reset(seed=0)
    before, lost, after = steps(batch, 4)[1:]
    assert before.state.tolist() == [[2.0], [2.0]]
    assert lost.truncated.tolist() == [False, True]
    assert lost.terminated.tolist() == lost.success.tolist() == [False, False]
    assert lost.reward.tolist() == [[1.0], [0.0]]
    assert lost.final_state.tolist() == [[3.0], [2.0]], "the last one known"
    assert lost.final_obs[1].tolist() == [[2.0]]
    assert lost.final_alive.tolist() == [[True], [True]]
    assert lost.state.tolist() == [[3.0], [0.0]]
    assert after.state.tolist() == [[4.0], [1.0]], "training goes on"
    assert batch.discarded == 1
    assert lost.discarded.tolist() == [False, True]
    assert not lost.finished.any(), "it is neither won nor lost"
    assert not before.discarded.any()
    assert not after.discarded.any()
    last = steps(batch, 5)[-1]
    assert last.terminated.tolist() == [False, True]
    assert batch.discarded == 1
    batch.close()
    assert len(pids(tmp_path / "games")) == 6
    assert all(gone(pid) for pid in pids(tmp_path / "games")), "the lost worker's game was killed too"


def test_a_worker_lost_again_and_again_is_given_up():
    batch = batch_of("die in reset")
    with pytest.raises(WorkerError, match="the worker of copy 0 was lost 3 times in a row; the last time it died"):
        batch.reset()
    batch = batch_of("hang in reset", timeout=0.5)
    with pytest.raises(WorkerError, match="did not answer in time"):
        batch.reset()


@pytest.mark.parametrize("place", ["make", "step"])
def test_errors_arrive_as_they_were_raised(place):
    def failing(fault):
        batch = batch_of(None, f"{fault} in {place}")
        batch.reset()
        steps(batch, 3)

    with pytest.raises(InvalidValueError, match=r"^count must be even, got 3$") as caught:
        failing("mistake")
    assert "in the worker of copy 1" in str(caught.value.__cause__)
    assert "worker_toys.py" in str(caught.value.__cause__)
    with pytest.raises(ZeroDivisionError, match="division by nothing"):
        failing("bug")
    with pytest.raises(WorkerError, match="an environment failed: TwoPartError: it broke because it could"):
        failing("odd")


def test_a_batch_goes_on_after_an_error(tmp_path):
    batch = batch_of(None, "mistake", once=tmp_path / "once")
    batch.reset()
    with pytest.raises(InvalidValueError):
        steps(batch, 3)
    assert batch.reset().state.tolist() == [[0.0], [0.0]]
    assert steps(batch, 1)[0].state.tolist() == [[1.0], [1.0]]


def test_bad_arguments():
    with pytest.raises(WorkerError, match="the worker of copy 0 died while it made its environment"):
        batch_of("die in make")
    with pytest.raises(InvalidValueError, match="timeout must be a number at least 0, got -1"):
        batch_of(None, timeout=-1)
    with pytest.raises(InvalidValueError, match="num_envs must be"):
        ParallelEnvBatch([], workers=True)
    with pytest.raises(UnsupportedEnvironmentError, match="not a PettingZoo ParallelEnv"):
        ParallelEnvBatch([int], workers=True)


@pytest.mark.parametrize("ending", ["del batch", "raise SystemExit", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_workers_do_not_outlive_the_parent(tmp_path, ending):
    """However it ends; they are asked for a last step that takes for ever, or idle."""
    code = (
        "import os, signal, sys\nfrom functools import partial\nimport numpy as np\nfrom worker_toys import Counter\n"
        "from isa_wrappers.batch.parallel import ParallelEnvBatch\n"
        f"batch = ParallelEnvBatch([partial(Counter, game={str(tmp_path / 'games')!r})] * 2, workers=True)\n"
        f"batch.reset()\n{ending}\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
    assert len(pids(tmp_path / "games")) == 4
    assert all(gone(pid) for pid in pids(tmp_path / "games")), "nor does what they have started"


# --- SMAC ---


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


def test_scope_by_name_uses_few_games(stand_in, tmp_path):
    config = ScopeConfig(60, delta=0.3, estimator="nmi_pooled", bin_width=0.02)
    scope = estimate_task_scope("smac/3m", config, reward="sparse")
    assert scope.settings["env"] == "smac/3m"
    assert len(pids(tmp_path / "pids")) == 3, "one an agent"
    assert all(gone(pid) for pid in pids(tmp_path / "pids"))


def test_training_goes_on_over_smac(stand_in, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from isa_learners.config import PPOConfig, RunConfig
    from isa_learners.runs.algorithm import Algorithm

    ppo = PPOConfig(num_envs=2, rollout_steps=10, hidden=4, epochs=1, buffer_rollouts=1)
    config = RunConfig("smac/3m", {"reward": "super_sparse"}, device="cpu", ppo=ppo)
    monkeypatch.setenv("SMAC_STAND_IN_FAULTS", '{"crash_at": 15}')
    reach = {f"ally_{i}": [[4 * i + 2, 4 * i + 3]] * 6 + [[12 + 3 * k] for k in range(3)] for i in range(3)}
    scope = InfluenceScope.from_dimensions(reach, state_size=21)
    algorithm = Algorithm(config, scope)
    for _ in range(3):
        metrics = algorithm.iterate()
        assert all(np.isfinite(value) for value in metrics.values())
    assert algorithm.phase.recorder.env.discarded == 2
    told = algorithm.phase.recorder.take()
    assert (told["discarded"], told["episodes"]) == (2, 0)
    assert algorithm.evaluate(2, seed=1).episodes == 0, "both crash"
    monkeypatch.delenv("SMAC_STAND_IN_FAULTS")
    assert algorithm.evaluate(3, seed=1).episodes == 3
    assert algorithm.env_steps == 60
