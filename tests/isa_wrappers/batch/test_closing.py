"""Everything that was made is closed: by its owner, when nobody holds it any more, at the end of a process."""

import gc
import subprocess
import sys
from pathlib import Path

import closing_toys
import pytest

from isa_wrappers import BatchWrapper, ParallelEnvBatch, ScopeConfig
from isa_wrappers.envs import estimate_task_scope, make_batch

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def open_ones():
    closing_toys.OPEN.clear()
    closing_toys.MADE.clear()
    return closing_toys.OPEN


def test_a_scope_closes_what_it_made(open_ones):
    estimate_task_scope("closing_toys:Counted", ScopeConfig(transitions=60))
    assert len(closing_toys.MADE) == 9, "one for the sizes, eight in which all act"
    estimate_task_scope("closing_toys:Counted", ScopeConfig(transitions=60, estimator="nmi_block"))
    assert len(closing_toys.MADE) == 9 + 17, "one for the sizes, eight for each agent"
    assert not open_ones


def test_copies_of_a_scope_are_configured():
    estimate_task_scope("closing_toys:Counted", ScopeConfig(transitions=60, copies=3))
    assert len(closing_toys.MADE) == 4


def test_a_scope_that_fails_closes_too(open_ones):
    with pytest.raises(ZeroDivisionError) as caught:
        estimate_task_scope("closing_toys:Counted", ScopeConfig(transitions=60), breaks_at=5)
    assert not open_ones, f"at once, while {caught.value!r} still holds them"


def test_those_made_before_one_fails_are_closed(open_ones):
    with pytest.raises(ZeroDivisionError):
        make_batch("closing_toys:third_fails", 5)
    assert len(closing_toys.MADE) == 2
    assert not open_ones


def test_wrappers_close_what_they_wrap(open_ones):
    env = BatchWrapper(BatchWrapper(make_batch("closing_toys:Counted", 2)))
    assert len(open_ones) == 2
    env.close()
    env.close()
    assert not open_ones, "once each"


@pytest.mark.slow
def test_what_nobody_holds_is_closed(open_ones):
    batch = make_batch("closing_toys:Counted", 2)
    del batch
    gc.collect()
    assert not open_ones


@pytest.mark.slow
def test_what_was_brought_along_stays_open(open_ones):
    env = closing_toys.Counted()
    batch = ParallelEnvBatch([env])
    del batch
    gc.collect()
    assert len(open_ones) == 1


def test_one_that_fails_to_close_keeps_no_other_open(open_ones):
    batch = make_batch("closing_toys:Counted", 3)
    broken = batch._copies._copies[1].env
    broken.close = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        batch.close()
    assert open_ones == [broken]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["raise ValueError", "sys.exit(3)", "raise KeyboardInterrupt", "pass"])
def test_the_end_of_a_process_closes(ending):
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests/helpers")!r}]
from isa_wrappers.envs import make_batch
batch = make_batch("closing_toys:Loud", 2)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "closed\nclosed\n", done.stderr
