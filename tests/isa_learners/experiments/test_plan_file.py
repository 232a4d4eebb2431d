"""A plan's file: every mistake names its line, and the file is read once."""

import os
import threading

import pytest
from plan_texts import LISTED, PLAN

from isa_learners.experiments.plan import read_plan
from isa_wrappers.errors import FileFormatError, InvalidValueError


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("  ippo: {algo: ippo}", "  ippo: {algo: ipo}", 7, "did you mean 'ippo'"),
        ("ppo.lr: 1e-4", "ppo.learning_rate: 1", 6, "did you mean 'ppo.lr'"),
        ("ppo.lr: 1e-4", "ppo.lr: much", 6, "ppo.lr must be of type float, got 'much'"),
        ("like: ungated", "like: ungatd", 6, "did you mean 'ungated'"),
        ("like: ungated", "preset: [fast]", 6, r"preset must be one of .*got \['fast'\]"),
        ("like: ungated", "lik: ungated", 6, "did you mean 'like'"),
        ("  ippo: {algo: ippo}", "  twin: {set: {credit.rule: scope}}", 7, "'isa' and 'twin' have the same config"),
        ("seeds: 0-2", "seeds: [0, 1, 0]", 8, "seed 0 occurs twice"),
        ("seeds: 0-2", "seeds: first", 8, "integers such as"),
        ("steps: 120000", "stepps: 120000", 9, "unknown key 'stepps'"),
        ("set: {ppo.num_envs: 16}", "set: {ppo.num_env: 16}", 10, "did you mean 'ppo.num_envs'"),
        (
            "set: {ppo.num_envs: 16}",
            "set:\n  goal.capacity: 9\n  ppo: {num_env: 16}",
            12,
            "did you mean 'ppo.num_envs'",
        ),
        ("set: {ppo.num_envs: 16}", "set: {seed: 16}", 10, "set cannot hold 'seed'"),
        ("set: {ppo.num_envs: 16}", "set: {ppo: 16}", 10, "section 'ppo' must be a mapping, got 16"),
        ("set: {ppo.num_envs: 16}", "set:\n  ppo.num_envs: 16\n  ppo.lr: much", 12, "ppo.lr must be of type float"),
        ("set: {ppo.num_envs: 16}", "set:\n  ppo: {clip: 0.2}\n  ppo.lr: much", 12, "ppo.lr must be of type float"),
        ("set: {ppo.num_envs: 16}", "set: {learner: pppo}", 10, "did you mean 'ppo'"),
        ("set: {ppo.num_envs: 16}", "kwargs:\n  horizon: 9\n  workers: 1", 12, "options of the task cannot hold"),
        ("set: {ppo.num_envs: 16}", "set:\n  ppo.lr: 1\n  ppo: {lr: 2}", 10, "ppo.lr is given twice, 1 and 2"),
        ("steps: 120000", "steps: -3", 9, "steps must be"),
        ("{steps: 90000}", "\n    kwargs: {horizon: 9}\n    steps: -3", 4, "steps must be"),
        ("{num_agents: 3}", "{num_agents: 3, device: cpu}", 3, "options of the task cannot hold 'device'"),
        ("  ippo: {algo: ippo}", "  ippo:\n    algo: ippo\n    set:\n      scope.window: 2", 10, "no section 'scope'"),
        ("set: {ppo.num_envs: 16}", "set: 16", 10, "set must be a mapping"),
        ("{steps: 90000}", "{steps: 90000, kwargs: {1: 2}}", 2, "names of kwargs must be text, got 1"),
        ("{steps: 90000}", "{stepps: 90000}", 2, "takes steps, kwargs, set"),
        ("{steps: 90000}", "{set: {scope.windw: 3}}", 2, "did you mean 'scope.window'"),
        ("{num_agents: 3}", "3", 3, "kwargs must be"),
        ("set: {ppo.num_envs: 16}", "episodes: none", 10, "episodes"),
    ],
)
def test_mistakes_name_their_line(plan_file, old, new, line, told):
    assert old in PLAN
    path = plan_file(PLAN.replace(old, new))
    with pytest.raises(InvalidValueError, match=f"plan.yaml, line {line}: .*{told}"):
        read_plan(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  slow: {like", "  isa: {like", "line 6: key 'isa' occurs twice, first in line 5"),
        ("steps: 120000", "seeds: 120000", "line 9: key 'seeds' occurs twice, first in line 8"),
        ("{algo: ippo}", "{algo: ippo, algo: qmix}", "line 7: key 'algo' occurs twice, first in line 7"),
        ("{algo: ippo}", "{algo: ippo", "line 8: "),
    ],
)
def test_a_file_that_is_no_yaml_names_the_line(plan_file, old, new, told):
    with pytest.raises(FileFormatError, match=rf"plan.yaml is not a valid YAML .*\({told}"):
        read_plan(plan_file(PLAN.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("  - qmix:\n", "  - [qmix]\n", 2, r"an item in a list of variants must be a name.* got \['qmix'\]"),
        ("  - qmix:\n", "  - {qmix: , vdn: }\n", 2, "an item in a list of variants must be a name"),
        ("  - qmix:\n", "  - {}\n", 2, "an item in a list of variants must be a name"),
        ("  - qmix:\n", "  - isa: {like: ungated}\n", 3, "variant 'isa' occurs twice"),
        ("set: {ppo.lr: 0.1}", "set: {ppo.lr: much}", 4, "ppo.lr must be"),
        ("like: isa", "like: is", 4, "did you mean 'isa'"),
        ("  - qmix:\n", "  - qmix\nsteps: -1\n", 6, "steps must be"),
    ],
)
def test_mistakes_in_a_list_of_variants_name_their_line(plan_file, old, new, line, told):
    assert old in LISTED
    with pytest.raises(InvalidValueError, match=f"plan.yaml, line {line}: .*{told}"):
        read_plan(plan_file(LISTED.replace(old, new)))


def test_a_plan_comes_through_a_pipe(tmp_path):
    """Such as ``isa compare <(...)``: what is read once is gone, and a mistake still names its line."""
    pipe = tmp_path / "plan"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[PLAN.replace("steps: 120000", "steps: -3")], daemon=True)
    writer.start()
    with pytest.raises(InvalidValueError, match="plan, line 9: steps must be"):
        read_plan(pipe)
    writer.join()
