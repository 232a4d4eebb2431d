"""What another stack of batched wrappers saved is refused in a line."""

import numpy as np
import pytest
from parallel_toys import WalkEnv
from unlock_batch import mixed, unlock
from walk_stacks import goals_with, walk_scope

from isa_wrappers import CountBonus, GoalReward, IntrinsicReward, StitchedGoals
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.wrappers.batch import EpisodeStatistics, GoalRecording, GoalSampling, RewardWrapper

BASES = {"grid": (unlock, mixed), "copies": (lambda: ParallelEnvBatch([WalkEnv(), WalkEnv()]), walk_scope)}


class Free(IntrinsicReward):
    """Saves nothing."""

    name, parts = "free", ("free",)

    def __call__(self, transition, update=True):
        raise NotImplementedError


def counted(env, scope):
    return RewardWrapper(env, CountBonus(scope))


def shown(env, scope):
    return GoalSampling(env, goals_with(np.zeros((1, env.state_size), dtype=np.float32)), scope)


def recorded(env, scope):
    return GoalRecording(env, goals_with(np.zeros((1, env.state_size), dtype=np.float32)))


STACKS = {
    "bare": lambda env, scope: env,
    "free": lambda env, scope: RewardWrapper(env, Free()),
    "count": counted,
    "goals": shown,
    "recording": recorded,
    "statistics": lambda env, scope: EpisodeStatistics(env),
    "count in goals": lambda env, scope: shown(counted(env, scope), scope),
    "goals rewarded": lambda env, scope: RewardWrapper(shown(env, scope), GoalReward(scope)),
    "goals counted": lambda env, scope: counted(shown(env, scope), scope),
    "count around recording": lambda env, scope: counted(recorded(env, scope), scope),
}


def made(base, stack):
    make, scope = BASES[base]
    env = STACKS[stack](make(), scope())
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("base", "saved", "loads", "says"),
    [
        ("grid", "statistics", "count", "this RewardWrapper: it lacks 'layout'"),
        ("grid", "goals", "recording", "this GoalRecording: it lacks 'won'"),
        ("grid", "recording", "goals", "this GoalSampling: it lacks 'rng'"),
        ("grid", "count", "statistics", "this EpisodeStatistics: it lacks 'won'"),
        ("grid", "count", "bare", "this .*: it lacks '"),
        ("grid", "count around recording", "count", "this .*: it lacks '"),
        (
            "grid",
            "count",
            "free",
            "reward 'free': it contains 'counter.slots', but Free does not override load_state_dict",
        ),
        ("grid", "goals counted", "goals rewarded", "reward .*: it contains 'counter.slots', but GoalReward does not"),
        ("copies", "count in goals", "goals", "this ParallelEnvBatch: it contains 'reward.counter.slots'"),
        ("copies", "count around recording", "count", "this ParallelEnvBatch: it contains 'won'"),
        ("copies", "goals", "bare", "this ParallelEnvBatch: it contains 'goal', but copies of a PettingZoo env"),
    ],
)
def test_a_state_of_another_stack_is_refused(base, saved, loads, says):
    state = made(base, saved).state_dict()
    with pytest.raises(ScopeMismatchError, match=f"^the saved state does not fit {says}") as caught:
        made(base, loads).load_state_dict(state)
    assert "\n" not in str(caught.value)
    made(base, saved).load_state_dict(state)


def test_recording_for_stitched_goals_names_what_is_lacking():
    env = unlock()
    state = recorded(env, mixed()).state_dict()
    stitching = GoalRecording(env, StitchedGoals(mixed(), capacity=5))
    with pytest.raises(ScopeMismatchError, match=r"this GoalRecording: it lacks '[a-z_]+'$"):
        stitching.load_state_dict(state)


def test_totals_of_another_number_of_copies_are_refused():
    state = EpisodeStatistics(ParallelEnvBatch([WalkEnv()])).state_dict()
    with pytest.raises(InvalidValueError, match="the saved state contains 1 environments, but num_envs is 2"):
        made("copies", "statistics").load_state_dict(state)


def test_battles_say_what_is_lacking():
    pytest.importorskip("jaxmarl")
    with pytest.raises(ScopeMismatchError, match="it lacks 'leaf_0'"):
        make_batch("smax/3m", 1).load_state_dict({})
