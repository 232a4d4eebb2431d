"""Comparisons on a Ray cluster of several nodes on this machine."""

import threading
import time
from types import SimpleNamespace

import pytest
from plan_helpers import ISA, tiny_plan

from isa_learners.experiments import local, on_ray
from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.on_ray import TOKEN, connect, files_of, run_on_ray, train_on_node, write_files
from isa_learners.experiments.one_run import run_to_end
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.results import result_of
from isa_wrappers.errors import InvalidValueError

ray = pytest.importorskip("ray")


def rows_of(comparison):
    return [found[0] for run in comparison.plan.runs if (found := result_of(comparison, run)) is not None]


def test_an_address_that_does_not_answer_is_told():
    with pytest.raises(InvalidValueError, match=r"no Ray cluster answers at 127\.0\.0\.1:9 within 20 s"):
        connect("127.0.0.1:9")
    with pytest.raises(InvalidValueError, match="ray:HOST:PORT"):
        connect("nowhere")


def test_files_travel_where_the_folder_is_not_shared(tmp_path, monkeypatch):
    """A node that sees another token works in a folder of its own and hands the files back."""
    comparison = Comparison(make_plan(tiny_plan(seeds=[0], variants=["ippo"])), tmp_path)
    path = comparison.prepare(comparison.plan.runs[0])
    (tmp_path / TOKEN).write_text("theirs")
    monkeypatch.setattr(local, "ONE_RUN", "import sys; open(sys.argv[1] + '/said', 'w').write(sys.argv[2])")
    code, said, files = train_on_node(str(path), ["done"], str(tmp_path / TOKEN), "ours", files_of(path))
    assert (code, said) == (0, "")
    assert files["said"] == b"done"
    assert files["config.yaml"] == (path / "config.yaml").read_bytes()
    assert not (path / "said").exists()
    write_files(path, files)
    assert (path / "said").read_text() == "done"
    assert train_on_node(str(path), ["done"], str(tmp_path / TOKEN), "theirs", {})[2] == {}, "shared: nothing travels"


def test_a_folder_that_cannot_be_made_ends_one_run_alone(tmp_path, monkeypatch):
    """On a stand-in for a cluster, whose tasks are over at once."""
    sent = []
    task = SimpleNamespace(remote=lambda path, options, *_: sent.append(options) or len(sent))
    cluster = SimpleNamespace(
        exceptions=SimpleNamespace(RayError=KeyError),
        remote=lambda **_: lambda function: task,
        wait=lambda references, timeout: (references, []),
        get=lambda reference: (0, "", {}),
        nodes=lambda: [{"Alive": True, "Resources": {"CPU": 1}}],
        shutdown=lambda: None,
    )
    monkeypatch.setattr(on_ray, "connect", lambda address: cluster)
    variants = {"isa": {"set": ISA}, "ippo": {"set": {"ppo.network": "network_toys:Own"}}}
    comparison = Comparison(make_plan(tiny_plan(seeds=[0], variants=variants)), tmp_path)
    blocked, fine = comparison.plan.runs
    comparison.path(blocked).parent.mkdir(parents=True)
    comparison.path(blocked).touch()
    told = []
    outcomes = run_on_ray(comparison, comparison.plan.runs, None, {"num_cpus": 1}, told.append)
    assert [outcome.run for outcome in outcomes] == [blocked, fine]
    assert outcomes[0].reason == (
        f"cannot create run folder {comparison.path(blocked)}: {comparison.path(blocked)} is not a folder"
    )
    assert outcomes[1].reason is None
    assert told == outcomes
    assert [options[-2:] for options in sent] == [["--import", "network_toys:Own"]], "trusted on the nodes too"


@pytest.mark.slow
def test_a_node_that_dies_has_its_runs_resumed_elsewhere(tmp_path):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    doomed = cluster.add_node(num_cpus=1)
    comparison = Comparison(make_plan(tiny_plan(seeds=[0], steps=600)), tmp_path)
    killed = []

    def kill():
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if all(comparison.progress(run).env_steps >= 80 for run in comparison.plan.runs):
                break
            time.sleep(0.05)
        cluster.remove_node(doomed, allow_graceful=False)
        killed.append([comparison.progress(run).finished for run in comparison.plan.runs])

    threading.Thread(target=kill, daemon=True).start()
    try:
        outcomes = run_on_ray(comparison, comparison.plan.runs, cluster.address, {"num_cpus": 1}, lambda outcome: None)
        with pytest.raises(InvalidValueError, match="no node of the cluster has"):
            run_on_ray(comparison, comparison.plan.runs, cluster.address, {"num_cpus": 99}, lambda outcome: None)
    finally:
        cluster.shutdown()
    assert [outcome.reason for outcome in outcomes] == [None, None]
    assert len(killed) == 1
    assert not all(killed[0]), "the node died while runs were at work"
    here = Comparison(comparison.plan, tmp_path / "here")
    for run in here.plan.runs:
        run_to_end(here.prepare(run), here.plan.episodes)
    clock = ("wall_time_s", "folder")
    ours, theirs = (
        [{key: value for key, value in row.items() if key not in clock} for row in rows_of(one)]
        for one in (comparison, here)
    )
    assert ours == theirs
