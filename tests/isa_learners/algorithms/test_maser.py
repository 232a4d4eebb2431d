"""MASER: QMIX's learner with a part of its own, in a run."""

import math

import pytest
from learner_helpers import algorithm_of, tiny_config

from isa_learners.q_learning.maser import Subgoals
from isa_learners.q_learning.maser_config import MASER_METRICS, MaserConfig
from isa_learners.runs.config_io import config_from_dict, config_to_dict, make_config
from isa_learners.runs.metrics import columns_of

TWO = {"num_agents": 2, "horizon": 9}


def test_a_run_has_its_section_its_part_and_its_columns():
    algorithm = algorithm_of(env="grid/shooting", env_kwargs=TWO, algo="maser", maser={"subgoal_factor": 0.5})
    part = algorithm.phase.learner.q.part
    assert isinstance(part, Subgoals)
    assert part.config == MaserConfig(subgoal_factor=0.5)
    for _ in range(8):
        metrics = algorithm.iterate()
    assert metrics["distance_loss"] > 0.0 > metrics["subgoal_reward"]
    assert 0 <= metrics["subgoal_step"] <= 8
    assert columns_of(algorithm.config)[-len(MASER_METRICS) :] == MASER_METRICS
    assert all(math.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("algo", ["qmix", "isa"])
def test_others_of_the_learner_have_none_of_it(algo):
    config = tiny_config(algo=algo, learner="q")
    assert "maser" not in config.sections
    assert not set(MASER_METRICS) & set(columns_of(config))


def test_the_papers_preset_is_the_published_table():
    config = make_config("smax/3m", "paper", {"algo": "maser"})
    assert (config.q.mixer, config.q.mixing_width, config.q.hypernet_width, config.q.td_lambda) == ("qmix", 32, 0, 0.0)
    assert (config.maser.alpha, config.maser.subgoal_factor) == (0.5, 0.03)
    assert (config.maser.individual_factor, config.maser.distance_factor) == (0.001, 0.001)
    assert (config.maser.variant, config.maser.embedding_width) == ("as_written", 128)
    assert config_from_dict(config_to_dict(config)) == config
