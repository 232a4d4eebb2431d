"""What may change in mid-run: that it is followed from then on, and written down."""

import json
from dataclasses import replace

import pytest
import yaml
from learner_helpers import tiny_config

from isa_learners.checkpoint import load_checkpoint, save_checkpoint
from isa_learners.learner import LEARNERS
from isa_learners.runs.changes import (
    RUN_KEYS,
    SECTION_KEYS,
    Change,
    changed_config,
    check_edits,
    check_steps,
    may_change,
    read_changes,
)
from isa_learners.runs.config_io import config_to_dict
from isa_learners.runs.config_keys import all_keys
from isa_learners.runs.hooks import Hook
from isa_learners.runs.nesting import flattened, merge
from isa_learners.runs.progress import Progress
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training, train
from isa_wrappers.config import CountConfig, GoalConfig
from isa_wrappers.errors import FileFormatError, InvalidValueError


def test_every_listed_key_is_there():
    kinds = {name: LEARNERS[name].config for name in LEARNERS}
    kinds |= {"count": CountConfig, "goal": GoalConfig}
    known = all_keys(kinds)
    listed = [*RUN_KEYS, *(f"{section}.{key}" for section, keys in SECTION_KEYS.items() for key in keys)]
    assert set(listed) <= set(known)


def test_a_changed_run_follows_from_its_step_on(tmp_path):
    config = tiny_config(algo="ippo", steps=100)
    train(config, tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    changes = {"steps": 200, "eval_interval": 25, "ppo": {"lr": 0.02, "entropy_factor": 0.5}}
    training = Training(folder, resume=True, changes=changes)
    ppo = training.algorithm.phase.learner.ppo
    for optimizer in (ppo.actor_optimizer, ppo.critic_optimizer):
        assert {group["lr"] for group in optimizer.param_groups} == {0.02}
    assert ppo.config.entropy_factor == 0.5
    assert training.progress.next_eval == 125
    training.run()
    training.algorithm.close()
    found = {change.key: change for change in read_changes(folder)}
    assert set(found) == {"steps", "eval_interval", "ppo.lr", "ppo.entropy_factor"}
    assert (found["ppo.lr"].env_steps, found["ppo.lr"].before, found["ppo.lr"].after) == (100, 0.001, 0.02)
    assert folder.config().ppo.lr == 0.02
    again = Training(folder, resume=True, changes={"steps": 210})
    again.algorithm.close()
    again.folder.lock.release()
    assert json.loads(folder.changes_file.read_text())[-1]["env_steps"] == 200


def test_other_intervals_hold_from_a_checkpoint_of_before_too():
    """As after a kill before the first checkpoint of the sitting; what is overdue stays due."""
    progress = Progress(next_eval=20_000, next_checkpoint=20_000)
    progress.follow_intervals(4_100, 2_000, 3_000)
    assert (progress.next_eval, progress.next_checkpoint) == (6_000, 6_000)
    progress.follow_intervals(7_000, 50_000, 2_000)
    assert (progress.next_eval, progress.next_checkpoint) == (6_000, 6_000)


def test_more_steps_for_a_run_that_stopped_as_solved_are_told_how(tmp_path):
    before = tiny_config(stop_when_solved=True)
    after, folder, solved = (
        changed_config(before, {"steps": 300}),
        RunFolder(tmp_path),
        Progress(solved={"env_steps": 8}),
    )
    with pytest.raises(InvalidValueError, match=r"stopped as solved after 100 steps.*--set stop_when_solved=false"):
        check_steps(folder, before, after, 100, solved)
    check_steps(folder, before, after, 100, Progress())
    check_steps(folder, before, changed_config(after, {"stop_when_solved": False}), 100, solved)
    check_steps(folder, before, before, 100, solved)


def test_a_run_that_begins_anew_has_changed_nothing_in_mid_run(tmp_path):
    """It was killed before its first checkpoint."""
    folder = RunFolder.create(tmp_path / "run", tiny_config(algo="ippo", steps=100))
    folder.lock.release()
    training = Training(folder, resume=True, tensorboard=False, changes={"ppo.lr": 0.02})
    training.run()
    training.algorithm.close()
    assert read_changes(folder) == []
    assert folder.config().ppo.lr == 0.02


def test_changes_that_do_not_go_together_are_refused(tmp_path):
    train(tiny_config(intrinsic="rnd", steps=100), tmp_path / "run")
    with pytest.raises(InvalidValueError, match="intrinsic reward 'rnd' would have no effect in phase 'explore'"):
        Training(RunFolder.open(tmp_path / "run"), resume=True, changes={"steps": 200, "count.beta2": 0.0})
    with pytest.raises(InvalidValueError, match="would have no effect"):
        train(tiny_config(intrinsic="rnd", count={"beta2": 0.0}), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("key", "value"), [("device", "cpu"), ("goal.alpha2_won", 3.0)])
def test_a_key_that_may_change(key, value):
    config = changed_config(tiny_config(), {key: value})
    assert flattened(config_to_dict(config))[key] == value


def test_changes_may_be_dotted():
    config = tiny_config()
    dotted = changed_config(config, {"ppo.lr": 0.02, "phases.reach.ppo.gamma": 0.5})
    assert dotted == changed_config(config, {"ppo": {"lr": 0.02}, "phases": {"reach": {"ppo": {"gamma": 0.5}}}})
    assert (dotted.ppo.lr, dotted.for_phase("reach").ppo.gamma) == (0.02, 0.5)


def edited(folder, **settings):
    """Write other values into config.yaml, as an editor does."""
    data = yaml.safe_load(folder.config_file.read_text())
    folder.config_file.write_text(yaml.safe_dump(merge(data, settings)))


def resumed(folder, **given):
    training = Training(folder, resume=True, tensorboard=False, **given)
    training.algorithm.close()
    folder.lock.release()
    return training


def test_what_was_edited_in_config_yaml_is_written_down_as_what_was_set(tmp_path):
    train(tiny_config(algo="ippo", steps=100), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    resumed(folder)
    assert read_changes(folder) == []
    edited(folder, ppo={"lr": 0.02}, eval_limit=9)
    for _ in range(2):  # the second time as after a kill before the first checkpoint of the sitting
        assert resumed(folder).config.ppo.lr == 0.02
        assert read_changes(folder) == [Change(100, "eval_limit", 1_000, 9), Change(100, "ppo.lr", 0.001, 0.02)]
    resumed(folder, changes={"ppo.lr": 0.03, "ppo.clip": 0.1})
    assert read_changes(folder)[2:] == [Change(100, "ppo.lr", 0.02, 0.03), Change(100, "ppo.clip", 0.2, 0.1)]
    _, meta = load_checkpoint(folder.latest_checkpoint)
    check_edits(folder, replace(folder.config(), device="cpu", workers=1), meta)
    for before, after in (("/home/a", "/scratch/b"), (float("nan"), float("nan"))):
        was = replace(folder.config(), env_kwargs={"where": before})
        there = {**meta, "config": config_to_dict(was)}
        check_edits(folder, replace(was, env_kwargs={"where": after}), there)
    edited(folder, steps=80)
    with pytest.raises(InvalidValueError, match=r"steps must be at least 100, which .* has taken already, got 80"):
        resumed(folder)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"seed": 3}, "seed 3, its checkpoint was trained with 0"),
        ({"ppo": {"hidden": 8}}, r"ppo\.hidden 8, its checkpoint was trained with 4"),
        ({"env_kwargs": {"num_obstacles": 1}}, r"env_kwargs\.num_obstacles 1, its checkpoint was trained without it"),
    ],
)
def test_what_was_edited_and_may_not_change_is_refused(tmp_path, settings, said):
    train(tiny_config(algo="ippo", steps=40), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    edited(folder, **settings)
    with pytest.raises(InvalidValueError, match=rf"config\.yaml says {said}, which --resume cannot change; set"):
        resumed(folder)


def test_a_checkpoint_that_says_nothing_of_its_configuration_resumes_with_the_folder_s(tmp_path):
    train(tiny_config(algo="ippo", steps=40), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    for kept in ({}, {"config": {"env": "grid/unlock", "of": "another version"}}):
        tensors, meta = load_checkpoint(folder.latest_checkpoint)
        meta.pop("config", None)
        save_checkpoint(folder.latest_checkpoint, tensors, meta | kept)
        edited(folder, seed=3)
        resumed(folder)
        assert read_changes(folder) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 3),
        ("ppo", {"hidden": 8}),
        ("ppo", {"num_envs": 4}),
        ("scope", {"delta": 0.2}),
        ("env_kwargs", {"grid": 4}),
        ("phases", {"reach": {"ppo": {"hidden": 8}}}),
    ],
)
def test_what_shapes_or_scopes_a_run_is_refused(key, value):
    with pytest.raises(InvalidValueError, match=r"cannot change .* you can change steps, .*ppo\.lr") as caught:
        changed_config(tiny_config(), {key: value})
    assert key in str(caught.value)


def test_one_phase_alone_and_what_is_unknown():
    config = tiny_config()
    new = changed_config(config, {"phases": {"reach": {"ppo": {"lr": 0.3}}}})
    assert new.for_phase("reach").ppo.lr == 0.3
    assert new.ppo.lr == config.ppo.lr
    assert changed_config(new, {"ppo": {"lr": 0.4}}).for_phase("reach").ppo.lr == 0.4, "said of the run, it holds"
    with pytest.raises(InvalidValueError, match=r"did you mean 'ppo\.lr'"):
        changed_config(config, {"ppo": {"learning_rate": 0.1}})
    with pytest.raises(InvalidValueError, match="lr must be"):
        changed_config(config, {"ppo": {"lr": -1.0}})
    assert "q.lr" not in may_change(config)


def test_a_refused_change_leaves_the_folder_as_it_was(tmp_path):
    train(tiny_config(algo="ippo", steps=40), tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(InvalidValueError):
        Training(RunFolder.open(tmp_path / "run"), resume=True, changes={"ppo": {"hidden": 8}})
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_a_change_that_a_tracker_refuses_is_not_kept(tmp_path):
    class Refusing(Hook):
        def on_start(self, training):
            raise InvalidValueError("no server")

    train(tiny_config(algo="ippo", steps=40), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    with pytest.raises(InvalidValueError, match="no server"):
        Training(folder, resume=True, hooks=[Refusing()], tensorboard=False, changes={"ppo.lr": 0.5})
    assert folder.config().ppo.lr == 0.001
    assert not folder.changes_file.exists()


@pytest.mark.parametrize("name", ["metrics_file", "changes_file"])
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path, name):
    train(tiny_config(algo="ippo", steps=40), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    path = getattr(folder, name)
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(FileFormatError, match=f"{path.name} is not a regular file"):
        Training(folder, resume=True, tensorboard=False, steps=80)


def test_a_damaged_record_is_told(tmp_path):
    folder = RunFolder(tmp_path)
    folder.changes_file.write_text('[{"key": 1}]')
    with pytest.raises(FileFormatError, match="not a list of changes"):
        read_changes(folder)
