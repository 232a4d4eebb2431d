"""Cutting rollouts into sequences against a naive walk over every environment."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_learners.rollout import Rollout
from isa_learners.sequences import split_at_starts, to_sequences

AGENTS, INPUTS, ACTIONS, HIDDEN = 2, 3, 4, 2


@st.composite
def patterns(draw):
    """T, B, whether episodes end at each step, and whether one starts with the rollout."""
    steps, envs = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    ends = draw(st.lists(st.lists(st.sampled_from(["", "", "t", "x"]), min_size=envs, max_size=envs),
                         min_size=steps, max_size=steps))  # fmt: skip
    start = draw(st.lists(st.booleans(), min_size=envs, max_size=envs))
    return ends, start


def starts_of(ends, start):
    return [list(start), *[[end != "" for end in row] for row in ends[:-1]]]


def naive_pieces(starts):
    """For every environment in turn its pieces ``(b, first, end)``; a rollout's first step always begins one."""
    steps, envs = len(starts), len(starts[0])
    pieces = []
    for b in range(envs):
        cuts = sorted({0, *[t for t in range(steps) if starts[t][b]]})
        pieces += [(b, first, end) for first, end in zip(cuts, [*cuts[1:], steps], strict=True)]
    return pieces


@settings(max_examples=80, deadline=None)
@given(patterns())
def test_split_at_starts_equals_the_naive_walk(pattern):
    starts = starts_of(*pattern)
    step, sequence = split_at_starts(torch.tensor(starts))
    for number, (b, first, end) in enumerate(naive_pieces(starts)):
        assert step[first:end, b].tolist() == list(range(end - first))
        assert sequence[first:end, b].tolist() == [number] * (end - first)


def rollout_of(ends, start, seed=0):
    generator = torch.Generator()
    generator.manual_seed(seed)

    def random(*shape):
        return torch.rand(*shape, generator=generator)

    steps, envs = len(ends), len(ends[0])
    shape = steps, envs, AGENTS
    return Rollout(
        inputs=random(*shape, INPUTS),
        final_inputs=-random(*shape, INPUTS),
        available=random(*shape, ACTIONS) < 0.5,
        alive=(random(*shape) < 0.7).float(),
        next_alive=(random(*shape) < 0.7).float(),
        action=(random(*shape) * ACTIONS).long(),
        log_prob=-random(*shape),
        reward=random(*shape),
        start=torch.tensor(starts_of(ends, start)),
        terminated=torch.tensor([[end == "t" for end in row] for row in ends]),
        done=torch.tensor([[end != "" for end in row] for row in ends]),
        actor_hidden=random(1, envs, AGENTS, HIDDEN),
        critic_hidden=random(1, envs, AGENTS, HIDDEN),
    )


@settings(max_examples=40, deadline=None)
@given(patterns())
def test_to_sequences_equals_the_naive_walk(pattern):
    ends, start = pattern
    rollout = rollout_of(ends, start)
    found = to_sequences(rollout)
    pieces = naive_pieces(starts_of(ends, start))
    longest = max(end - first for _, first, end in pieces)
    assert found.inputs.shape == (longest + 1, len(pieces) * AGENTS, INPUTS)
    assert found.actor_hidden.shape == (len(pieces) * AGENTS, HIDDEN)
    for number, (b, first, end) in enumerate(pieces):
        length = end - first
        for i in range(AGENTS):
            n = number * AGENTS + i
            pairs = {
                "available": rollout.available,
                "mask": rollout.alive,
                "next_alive": rollout.next_alive,
                "action": rollout.action,
                "log_prob": rollout.log_prob,
                "reward": rollout.reward,
            }
            for name, source in pairs.items():
                column = getattr(found, name)[:, n]
                assert torch.equal(column[:length], source[first:end, b, i]), name
                assert not column[length:].any(), f"{name} in the padding"
            assert found.valid[:, n].tolist() == [1.0] * length + [0.0] * (longest - length)
            flags = [float(ends[t][b] == "t") for t in range(first, end)]
            assert found.terminated[:, n].tolist() == flags + [0.0] * (longest - length)
            assert torch.equal(found.inputs[:length, n], rollout.inputs[first:end, b, i])
            assert torch.equal(found.inputs[length, n], rollout.final_inputs[end - 1, b, i])
            for name in ("actor_hidden", "critic_hidden"):
                stored = getattr(rollout, name)[0, b, i]
                expected = stored if first == 0 else torch.zeros(HIDDEN)
                assert torch.equal(getattr(found, name)[n], expected), name
    for b in range(len(start)):
        last = [number for number, (env, _, _) in enumerate(pieces) if env == b][-1]
        _, first, end = pieces[last]
        assert (int(found.last[0][b]), int(found.last[1][b])) == (end - first - 1, last)


def test_joined_rollouts_stay_apart():
    first, second = rollout_of([["", "t"]] * 3, [True, False], 0), rollout_of([["x", ""]] * 3, [False, True], 1)
    joined = to_sequences(Rollout.join([first, second]))
    apart = [to_sequences(first), to_sequences(second)]
    count = apart[0].actor_hidden.shape[0]
    assert joined.actor_hidden.shape[0] == count + apart[1].actor_hidden.shape[0]
    assert torch.equal(joined.reward[:, :count], apart[0].reward)
    assert torch.equal(joined.reward[:, count:], apart[1].reward)
    assert joined.last[1][2:].tolist() == (apart[1].last[1] + count // AGENTS).tolist()
