"""IPPO: the learner on the environment's own reward."""

from learner_helpers import algorithm_of, collected

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def test_plain_ippo_learns_from_the_environments_reward():
    algorithm = algorithm_of(algo="ippo")
    rollout = collected(algorithm, 30)
    assert algorithm.phase.name == TRAIN
    assert rollout.inputs.shape[-1] == 4 + 5 + 1
    assert rollout.reward[..., 0].tolist() == rollout.terminated.float().tolist()
    assert int(rollout.terminated.sum()) > 0
    assert algorithm.phase.statistics.won_any()
    assert algorithm.shared == {}, "nobody keeps goals"
    for _ in range(5):
        algorithm.iterate()
    assert algorithm.phase.name == TRAIN, "no goal phase"
