"""Copies in worker processes: the same numbers as in one process; what dies, hangs or fails; nobody left behind."""

import os
import signal
import subprocess
import sys
from dataclasses import fields
from functools import partial

import numpy as np
import pytest
from worker_toys import Counter, gone, pids, shared_counter

from isa_wrappers import BatchEnv, BatchStep
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.worker_process import GRACE
from isa_wrappers.batch.workers import MAX_CONSECUTIVE_FAILURES
from isa_wrappers.envs import GridParallelEnv, make_batch
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError, WorkerError


def batch_of(*faults, workers=True, timeout=None, **options):
    return ParallelEnvBatch([partial(Counter, fault, **options) for fault in faults], workers=workers, timeout=timeout)


def steps(batch, count):
    return [batch.step(np.ones((batch.num_envs, len(batch.agents)), dtype=np.int64)) for _ in range(count)]


@pytest.mark.parametrize(("workers", "processes"), [(True, 5), (1, 1), (2, 2), (3, 3), (8, 5)])
def test_workers_give_the_same_numbers_as_one_process(workers, processes):
    make = partial(GridParallelEnv, "shooting", targets="random", horizon=9)
    local = ParallelEnvBatch([make() for _ in range(5)])
    apart = ParallelEnvBatch([make] * 5, workers=workers)
    assert len(apart._copies._workers) == processes
    assert isinstance(apart, BatchEnv)
    for name in ("agents", "num_actions", "obs_size", "state_size", "state_names", "action_names", "horizon"):
        assert getattr(apart, name) == getattr(local, name)
    rng = np.random.default_rng(0)
    both = local.reset(5), apart.reset(5)
    for _ in range(25):
        assert both[0].bonus is both[1].bonus is None
        for field in fields(BatchStep):
            if field.name == "bonus":
                continue
            np.testing.assert_array_equal(*(getattr(step, field.name) for step in both), err_msg=field.name)
            assert getattr(both[0], field.name).dtype == getattr(both[1], field.name).dtype
        noise = rng.random(both[0].available.shape) * both[0].available
        both = local.step(noise.argmax(-1)), apart.step(noise.argmax(-1))
    assert both[0].obs.any()
    apart.close()
    with pytest.raises(WorkerError, match="the batch is closed"):
        apart.reset()


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_killed_worker_loses_the_episodes_of_all_its_copies(tmp_path):
    batch = batch_of(*[None] * 5, workers=2, game=tmp_path / "games")
    batch.reset(seed=0)
    assert steps(batch, 2)[-1].state.tolist() == [[2.0]] * 5
    killed = batch._copies._workers[0].process.pid
    theirs = pids(tmp_path / "games")
    games = [game for game, worker in zip(theirs[::2], theirs[1::2], strict=True) if worker == killed]
    assert len(games) == 3
    os.kill(killed, signal.SIGKILL)
    lost, after = steps(batch, 2)
    assert lost.discarded.tolist() == lost.truncated.tolist() == [True] * 3 + [False] * 2
    assert not (lost.terminated | lost.success | lost.finished).any()
    assert lost.reward.tolist() == [[0.0]] * 3 + [[1.0]] * 2
    assert lost.final_state.tolist() == [[2.0]] * 3 + [[3.0]] * 2
    assert lost.state.tolist() == [[0.0]] * 3 + [[3.0]] * 2
    assert after.state.tolist() == [[1.0]] * 3 + [[4.0]] * 2
    assert not after.discarded.any()
    assert batch.discarded == 3
    assert all(gone(pid) for pid in games)
    batch.close()
    assert len(pids(tmp_path / "games")) == 2 * (5 + 3), "all three copies were made anew"
    assert all(gone(pid) for pid in pids(tmp_path / "games"))


@pytest.mark.slow
def test_one_copy_that_hangs_takes_its_worker_along(tmp_path):
    batch = batch_of(None, "hang", None, None, workers=2, timeout=2.0, once=tmp_path / "once")
    batch.reset()
    lost, after = steps(batch, 4)[2:]
    assert lost.discarded.tolist() == [True, True, False, False]
    assert after.state.tolist() == [[1.0], [1.0], [4.0], [4.0]]
    assert batch.discarded == 2


@pytest.mark.slow
def test_a_worker_lost_in_a_reset_is_seeded_anew(tmp_path):
    make = partial(GridParallelEnv, "unlock", num_agents=2, targets="random")
    batch = ParallelEnvBatch([make] * 4, workers=2)
    first = batch.reset(seed=7)
    os.kill(batch._copies._workers[1].process.pid, signal.SIGKILL)
    np.testing.assert_array_equal(batch.reset(seed=7).state, first.state)
    assert len(np.unique(first.state, axis=0)) == 4
    assert batch.discarded == 0, "no episode was under way"


@pytest.mark.slow
def test_a_worker_that_steps_between_its_losses_is_kept():
    """Each episode ends in its third step, more often than a worker may be lost in a row."""
    batch = batch_of("die", None, workers=1)
    batch.reset()
    losses = MAX_CONSECUTIVE_FAILURES + 1
    assert [step.discarded.all() for step in steps(batch, 3 * losses)] == [False, False, True] * losses
    assert batch.discarded == 2 * losses


@pytest.mark.slow
def test_a_worker_lost_again_and_again_is_given_up():
    batch = batch_of("die in reset")
    with pytest.raises(WorkerError, match="the worker of copy 0 was lost 3 times in a row; the last time it died"):
        batch.reset()
    batch = batch_of("hang in reset", timeout=0.5)
    with pytest.raises(WorkerError, match="did not answer in time"):
        batch.reset()
    batch = batch_of("die in reset", None, None, workers=2)
    with pytest.raises(WorkerError, match="the worker of copies 0 to 1 was lost 3 times in a row"):
        batch.reset()


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_batch_goes_on_after_an_error(tmp_path):
    batch = batch_of(None, "mistake", once=tmp_path / "once")
    batch.reset()
    with pytest.raises(InvalidValueError):
        steps(batch, 3)
    assert batch.reset().state.tolist() == [[0.0], [0.0]]
    assert steps(batch, 1)[0].state.tolist() == [[1.0], [1.0]]


@pytest.mark.slow
def test_bad_arguments():
    with pytest.raises(WorkerError, match="the worker of copy 0 died while creating its environment"):
        batch_of("die in make")
    with pytest.raises(WorkerError, match="the worker of copies 0 to 1 died while creating its environments"):
        batch_of(None, "die in make", workers=1)
    with pytest.raises(InvalidValueError, match="workers must be an integer at least 0, got -1"):
        batch_of(None, workers=-1)
    with pytest.raises(InvalidValueError, match=r"workers must be an integer at least 0, got 1\.5"):
        batch_of(None, workers=1.5)
    with pytest.raises(InvalidValueError, match=r"workers need functions that create an environment, got <.*GridP"):
        ParallelEnvBatch([GridParallelEnv("unlock")], workers=1)
    with pytest.raises(InvalidValueError, match="every copy must be a separate environment"):
        ParallelEnvBatch([shared_counter] * 2, workers=1)
    with pytest.raises(InvalidValueError, match="timeout must be a number at least 0, got -1"):
        batch_of(None, timeout=-1)
    with pytest.raises(InvalidValueError, match="num_envs must be"):
        ParallelEnvBatch([], workers=True)
    with pytest.raises(UnsupportedEnvironmentError, match="not a PettingZoo ParallelEnv"):
        ParallelEnvBatch([int], workers=True)


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_worker_that_holds_the_interpreter_does_not_outlive_a_killed_parent(tmp_path):
    """No thread of it can run any more: it went on at 100 % of a core."""
    code = (
        "import os, signal, sys, threading\nfrom functools import partial\nimport numpy as np\n"
        "from worker_toys import Counter\nfrom isa_wrappers.batch.parallel import ParallelEnvBatch\n"
        f"batch = ParallelEnvBatch([partial(Counter, 'spin', game={str(tmp_path / 'games')!r})], workers=True)\n"
        "batch.reset()\nthreading.Timer(1.0, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        "[batch.step(np.ones((1, 1), int)) for _ in range(3)]\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
    assert ended.returncode == -signal.SIGKILL
    assert len(pids(tmp_path / "games")) == 2
    assert all(gone(pid, patience=GRACE + 5.0) for pid in pids(tmp_path / "games"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_workers_leave_it_to_their_parent_to_end_them(tmp_path, number):
    """A scheduler tells every process of a job to end: the parent saves first, with its workers still there."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("started with this signal ignored, as shells do in the background, and so are all its children")
    batch = batch_of(None, game=tmp_path / "games")
    try:
        batch.reset(seed=0)
        game, worker = pids(tmp_path / "games")
        os.killpg(worker, number)
        assert steps(batch, 2)[-1].state.tolist() == [[2.0]]
        assert batch.discarded == 0
        assert gone(game), "what environments start obeys"
    finally:
        batch.close()


@pytest.mark.slow
def test_tasks_by_name_in_workers():
    pytest.importorskip("mpe2")
    local = make_batch("mpe/simple_spread_v3", 5, max_cycles=4)
    apart = make_batch("mpe/simple_spread_v3", 5, workers=2, max_cycles=4)
    both = local.reset(seed=3), apart.reset(seed=3)
    for time in range(10):
        np.testing.assert_array_equal(both[0].obs, both[1].obs)
        np.testing.assert_array_equal(both[0].reward, both[1].reward)
        actions = np.full((5, 3), time % 5)
        both = local.step(actions), apart.step(actions)
    with pytest.raises(InvalidValueError, match="does not accept these options"):
        make_batch("mpe/simple_spread_v3", 5, workers=2, banana=1)


def test_a_file_called_as_a_module_stays_out_of_the_workers_way(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the user ran in the place of a module')")
    monkeypatch.chdir(tmp_path)
    batch = batch_of("none", workers=1)
    assert batch.reset(0).obs.shape[0] == 1
    batch.close()
