"""Nothing waits for the device inside a rollout or an update in CUDA's layout.

On CPU a dispatch mode stands in for CUDA's sync debug mode: it refuses every operation whose result the host would have
to read before it can go on (values, shapes that depend on values, tensors made from Python numbers).
"""

import pytest
import torch
from gymnasium import spaces
from host_reads import NoHostReads
from learner_helpers import tiny_config

from isa_learners.component_head import ComponentHead
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.scopes import scope_for
from isa_wrappers.border import ActionCode, TeamCode

EXPLORE, REACH = "explore", "reach"


def test_the_mode_notices():
    x = torch.arange(4.0)
    for read in (lambda: float(x[0]), lambda: x[x > 1], lambda: x.nonzero(), lambda: bool((x > 9).any())):
        with pytest.raises(AssertionError, match="makes the host wait"), NoHostReads():
            read()
    with NoHostReads():
        torch.where(x > 1, x, 0.0).sum()


def test_actions_of_components_never_wait():
    spaces_of = [spaces.Box(-1, 1, (2,)), spaces.MultiDiscrete([3, 2, 2]), spaces.Discrete(4)]
    head = ComponentHead(TeamCode([ActionCode.of(space, "a") for space in spaces_of]), "cpu")
    outputs = torch.randn(6, 3, head.size, requires_grad=True)
    available, agents, noise = torch.ones(6, 3, 8, dtype=torch.bool), torch.arange(3), torch.Generator()
    with NoHostReads():
        policy = head.policy(outputs, available, agents)
        action = policy.sample(noise)
        (policy.log_prob(action) + policy.entropy()).sum().backward()
        encoded = head.encode(head.native(policy.mode()))
    assert torch.isfinite(encoded).all()


SETTINGS = {"minibatches": 2, "buffer_rollouts": 2, "fixed_shapes": "always"}
KINDS = {
    "grid/unlock": None,
    "grid/navigation": {"num_agents": 2, "grid": 4, "targets": "random", "horizon": 6},
    "grid/shooting": {"num_agents": 1, "targets": [[1, 7]], "horizon": 8},
}


NETWORKS = {"gru": {}, "lstm": {"network": "lstm", "normalize_obs": True}, "mlp": {"network": "mlp"}}


def begun(task, phase, network="gru"):
    config = tiny_config(task, KINDS[task], ppo=SETTINGS | NETWORKS[network])
    algorithm = Algorithm(config, scope_for(config)[0])
    if phase == REACH:
        state = algorithm.phase.collector.current.state[:1]
        algorithm.shared["goals"].add(state, torch.ones(1, dtype=torch.bool))
        algorithm.phase = algorithm.enter(REACH)
    return algorithm, config


@pytest.mark.slow
@pytest.mark.parametrize("phase", [EXPLORE, REACH])
@pytest.mark.parametrize(
    ("task", "network"), [*((task, "gru") for task in KINDS), ("grid/unlock", "lstm"), ("grid/unlock", "mlp")]
)
def test_rollout_and_update_never_wait(task, network, phase):
    algorithm, config = begun(task, phase, network)
    collector, learner = algorithm.phase.collector, algorithm.phase.learner
    ppo = learner.ppo
    ppo._run_both = lambda actor, critic: (actor(), critic())  # a dispatch mode sees its own thread alone
    collector.collect(config.ppo.rollout_steps)  # the first one, in which decisions are looked at
    for _ in range(3):
        with NoHostReads():
            rollout = collector.collect(config.ppo.rollout_steps)
            metrics, learner._critic_hidden = ppo.learn(learner.to_scale(rollout))
    assert torch.isfinite(metrics).all()


@pytest.mark.cuda
@pytest.mark.parametrize("network", NETWORKS)
def test_rollout_and_update_never_wait_on_cuda(network):
    config = tiny_config(device="cuda", ppo={"minibatches": 2, **NETWORKS[network]})
    algorithm = Algorithm(config, scope_for(config)[0])
    algorithm.iterate()
    collector, learner = algorithm.phase.collector, algorithm.phase.learner
    collector.collect(config.ppo.rollout_steps)  # the first one, in which decisions are looked at
    torch.cuda.set_sync_debug_mode("error")
    try:
        rollout = collector.collect(config.ppo.rollout_steps)
        metrics, _ = learner.ppo.learn(learner.to_scale(rollout))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.isfinite(metrics).all()
