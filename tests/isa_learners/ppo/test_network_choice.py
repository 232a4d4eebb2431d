"""Networks by name, and classes of one's own: what is taken, and what is refused in one line."""

import pytest
import torch
from learner_helpers import tiny_config
from network_toys import Own
from scripted_env import ScriptedEnv

from isa_learners.learner import LEARNERS
from isa_learners.ppo import PPO, PPOConfig, PPOLearner
from isa_learners.ppo.network_choice import NETWORKS, make_network, network_class
from isa_learners.ppo.networks import LSTMNet, MLPNet, RecurrentNet
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.checks import check_run
from isa_wrappers.errors import InvalidValueError, UnknownNameError

ENDS = [["", "", ""]] * 3 + [["terminated", "", "truncated"]] + [["", "", ""]] * 5
OWN = "network_toys:Own"


@pytest.mark.parametrize("layout", [LivingSteps, EveryStep])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("layers", [(), (5, 3)])
@pytest.mark.parametrize("network", [*NETWORKS, OWN])
def test_an_update_sees_what_the_rollout_did(network, layers, shared, layout):
    """Deaths, ends of episodes, states carried into the rollout: the same probabilities, step by step and packed."""
    config = PPOConfig(num_envs=3, hidden=4, buffer_rollouts=1, network=network, layers=layers, share_parameters=shared)
    env = ScriptedEnv(ENDS * 2)
    learner = PPOLearner(Sizes.of(env), config, "cpu", 0)
    with torch.no_grad():
        for parameter in learner.ppo.actor.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    collector.collect(5)
    rollout = collector.collect(9)
    batch = learner.batch(rollout)
    assert 0.0 < rollout.alive.mean() < 1.0
    assert rollout.start[1:].any()
    steps, ppo = layout(batch.alive, batch.start), learner.ppo
    for agent in (None,) if shared else range(2):
        part = steps.pack(None, agent)
        net = ppo.actor if shared else ppo.actor.of(agent)
        first = batch.actor_hidden.flatten(0, 2)[part.streams]
        outputs, _ = net.unroll(
            batch.inputs.flatten(0, 2)[part.rows], first, part.sizes, part.keep, part.alive if part.every else None
        )
        rows = part.rows[part.alive > 0]
        assert len(rows)
        policy = ppo.head.policy(outputs, batch.available.flatten(0, 2)[part.rows], part.rows)
        again = policy.log_prob(batch.action.flatten()[part.rows])[part.alive > 0]
        torch.testing.assert_close(again, batch.log_prob.flatten()[rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [*NETWORKS, OWN])
def test_streams_do_not_mix_and_the_state_is_what_carries_the_past(network):
    torch.manual_seed(0)
    net = make_network(PPOConfig(network=network, hidden=6, layers=(4,)), 5, 3)
    inputs, state = torch.randn(4, 5), torch.randn(4, net.state_size)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    outputs, after = net(inputs, state)
    for n in range(4):
        alone, own = net(inputs[n : n + 1], state[n : n + 1])
        torch.testing.assert_close(outputs[n : n + 1], alone, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(after[n : n + 1], own, rtol=1e-4, atol=1e-5)
    other = net(inputs, torch.zeros_like(state))[0]
    assert torch.equal(outputs, other) == (net.state_size == 0)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_fresh_policy_is_nearly_uniform(network):
    net = make_network(PPOConfig(network=network, layers=(8, 8)), 5, 4)
    assert float(net(torch.randn(8, 5), torch.zeros(8, net.state_size))[0].detach().abs().max()) < 0.05


def test_names_and_classes():
    assert [network_class(name) for name in NETWORKS] == [RecurrentNet, LSTMNet, MLPNet]
    assert network_class(OWN).__name__ == "Own"
    NETWORKS.register("mine", Own)
    try:
        assert isinstance(PPO(5, 3, PPOConfig(network="mine"), "cpu", 0).critic, Own)
    finally:
        NETWORKS.unregister("mine")


def test_the_seed_makes_the_weights_and_trying_out_draws_nothing():
    config, before = PPOConfig(network=OWN), torch.get_rng_state()
    one, two, other = (PPO(5, 3, config, "cpu", seed).actor.read.weight for seed in (0, 0, 1))
    LEARNERS["ppo"].check(Sizes.of(ScriptedEnv(ENDS)), config, "cpu")
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


REFUSED = {
    "gruu": (UnknownNameError, r"unknown network 'gruu'; did you mean 'gru'\? known: gru, lstm, mlp"),
    "no_such_module:Net": (UnknownNameError, "cannot import network 'no_such_module:Net': ModuleNotFoundError.*'$"),
    "network_toys:Nett": (UnknownNameError, "has no class 'Nett'"),
    "network_toys:": (UnknownNameError, "must be named package.module:Class"),
    "3x:Net": (UnknownNameError, "must be named package.module:Class"),
    "network_toys:Module": (InvalidValueError, "must be a class derived from .*Network, got <class"),
    "network_toys:a_number": (InvalidValueError, "must be a class derived from .*Network, got 3"),
    "network_toys:Short": (InvalidValueError, r"must return outputs of float32 \[3, 3\], got float32 \[3, 2\]"),
    "network_toys:Lossy": (InvalidValueError, "must return outputs and the state after the step, got float32"),
    "network_toys:Shrinking": (InvalidValueError, r"must return a state of float32 \[3, 12\], got .*\[3, 11\]"),
    "network_toys:Wide": (InvalidValueError, r"must return outputs of float32 \[3, 3\], got float64"),
    "network_toys:Dropping": (InvalidValueError, "must return the same for the same inputs, .* no dropout, no batch"),
    "network_toys:Averaging": (InvalidValueError, "must return the same for the same inputs, .* no dropout, no batch"),
    "network_toys:Mixing": (InvalidValueError, "must return the same as forward step by step"),
    "network_toys:Restless": (InvalidValueError, "must keep the state where alive is 0"),
    "network_toys:Uneven": (InvalidValueError, "must have a state_size of 0 or more, got 2.5"),
    "network_toys:Unlearned": (InvalidValueError, "must have parameters to learn, got none"),
    "network_toys:Failing": (
        InvalidValueError,
        r"does not work: RuntimeError: no room \(network_toys.py:\d+ in __",
    ),
    "network_toys:Stumbling": (InvalidValueError, r"does not work: KeyError: 'k' \(network_toys.py:\d+ in forward\)$"),
    "network_toys:Diverging": (InvalidValueError, "must return finite numbers, got NaN or infinity in outputs"),
    "network_toys:Sizeless": (InvalidValueError, "does not work: TypeError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_network_is_refused_in_one_line(name):
    error, message = REFUSED[name]
    config = PPOConfig(network=name)
    with pytest.raises(error, match=message) as caught:
        PPO(5, 3, config, "cpu", 0)
    assert "\n" not in str(caught.value)
    with pytest.raises(error):
        check_run(tiny_config("grid/unlock", {}, algo="ippo", ppo={"network": name}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": ""}, "network must be a name"),
        ({"network": 3}, "network must be a name"),
        ({"layers": (0,)}, "layers must be an integer from 1 to 16384, got 0"),
        ({"layers": (4, 2.5)}, "layers must be an integer from 1 to 16384, got 2.5"),
        ({"layers": 64}, "layers must be a list of at most 32 widths, got 64"),
        ({"layers": (1,) * 33}, "layers must be a list of at most 32 widths"),
        ({"hidden": 2**14 + 1}, "hidden must be an integer from 1 to 16384"),
        ({"normalize_obs": "yes"}, "normalize_obs must be true or false"),
    ],
)
def test_sizes_out_of_range(settings, message):
    with pytest.raises(InvalidValueError, match=message):
        PPOConfig(**settings)
