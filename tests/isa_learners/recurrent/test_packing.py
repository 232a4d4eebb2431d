"""Laying out living steps, against a naive walk over every stream."""

import pytest
import torch
from devices import TORCH

from isa_learners.recurrent.packing import EveryStep, LivingSteps, layout_of

T, B, A, H = 9, 4, 3, 2


def made_up(seed, living=0.6):
    generator = torch.Generator()
    generator.manual_seed(seed)
    alive = (torch.rand(T, B, A, generator=generator) < living).float()
    start = torch.rand(T, B, generator=generator) < 0.3
    return alive, start, torch.randn(B * A, H, generator=generator)


def walk(alive, start):
    """Of each stream, its living steps in order: (time, whether an episode began since the one before)."""
    streams = []
    for b in range(B):
        for i in range(A):
            steps, fresh = [], False
            for t in range(T):
                fresh = fresh or bool(start[t, b])
                if alive[t, b, i]:
                    steps.append((t, fresh))
                    fresh = False
            streams.append(steps)
    return streams


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("envs", [None, [2], [3, 0, 1]])
def test_pack_equals_the_naive_walk(seed, envs):
    alive, start, _ = made_up(seed)
    packing = LivingSteps(alive, start).pack(None if envs is None else torch.tensor(envs))
    expected = walk(alive, start)
    wanted = {b * A + i for b in (range(B) if envs is None else envs) for i in range(A)}
    assert set(packing.streams.tolist()) == wanted
    lengths = [len(expected[stream]) for stream in packing.streams.tolist()]
    assert lengths == sorted(lengths, reverse=True)
    assert packing.sizes == [sum(length > k for length in lengths) for k in range(max(lengths))]
    rows, keep = [], []
    for k, size in enumerate(packing.sizes):
        for stream in packing.streams[:size].tolist():
            time, fresh = expected[stream][k]
            rows.append(time * B * A + stream)
            keep.append([0.0 if fresh else 1.0])
    assert packing.rows.tolist() == rows
    assert packing.keep.tolist() == keep


@pytest.mark.parametrize("envs", [None, [2], [3, 0, 1]])
def test_every_step_in_the_rollout_s_order(envs):
    alive, start, _ = made_up(0)
    packing = EveryStep(alive, start).pack(None if envs is None else torch.tensor(envs))
    chosen = list(range(B)) if envs is None else envs
    streams = [b * A + i for b in chosen for i in range(A)]
    assert packing.streams.tolist() == streams
    assert packing.sizes == [len(streams)] * T
    assert packing.rows.tolist() == [t * B * A + stream for t in range(T) for stream in streams]
    assert packing.alive.tolist() == alive.flatten(1)[:, streams].flatten().tolist()
    assert packing.keep[:, 0].tolist() == [float(not start[t, stream // A]) for t in range(T) for stream in streams]


@pytest.mark.parametrize("living", [0.6, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_hidden_after_equals_the_naive_walk(seed, living):
    """The "hidden state" after a row is the row's number, so that every look-up shows where it came from."""
    alive, start, first = made_up(seed, living)
    steps = LivingSteps(alive, start)
    packing = steps.pack()
    features = packing.rows[:, None].expand(-1, H).float() + 100.0
    for stream in range(B * A):
        b, i = divmod(stream, A)
        expected = first[stream]
        for t in range(T):
            expected = torch.zeros(H) if start[t, b] else expected
            if alive[t, b, i]:
                expected = torch.full((H,), 100.0 + t * B * A + stream)
            found = steps.hidden_after(torch.tensor([t * B * A + stream]), packing, features, first)
            assert torch.equal(found[0], expected), (t, stream)


def test_nobody_alive():
    _, start, first = made_up(0)
    steps = LivingSteps(torch.zeros(T, B, A), start)
    packing = steps.pack()
    assert (packing.sizes, len(packing.rows), len(packing.keep)) == ([0], 0, 0)
    last = torch.arange((T - 1) * B * A, T * B * A)
    found = steps.hidden_after(last, packing, torch.zeros(0, H), first)
    begun = start.any(0).repeat_interleave(A)[:, None]
    assert torch.equal(found, torch.where(begun, 0.0, first))


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("layout", [LivingSteps, EveryStep])
def test_the_steps_of_one_agent_are_laid_out_alone(layout, device):
    generator = torch.Generator().manual_seed(0)
    alive = (torch.rand(6, 4, 3, generator=generator) < 0.7).float().to(device)
    start = (torch.rand(6, 4, generator=generator) < 0.3).to(device)
    steps, envs = layout(alive, start), torch.tensor([2, 0], device=device)
    whole = set(steps.pack(envs).rows.tolist())
    seen = set()
    for agent in range(3):
        part = steps.pack(envs, agent)
        rows = part.rows.tolist()
        assert sum(part.sizes) == len(rows)
        assert {row % 3 for row in rows} == {agent}
        assert not seen & set(rows)
        seen |= set(rows)
    assert seen == whole


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_settings_hold_over_the_device(device):
    assert layout_of("always", device) is EveryStep
    assert layout_of("never", device) is LivingSteps
    assert layout_of("auto", device) is (LivingSteps if device == "cpu" else EveryStep)
