"""The page: one file that fetches nothing; in a browser it does what it says."""

import json
import re

import numpy as np
import pytest
from report_helpers import opened, small_run_folder

from isa_learners.runs.report import page as report_page
from isa_learners.runs.report.contents import scope_contents
from isa_learners.runs.report.page import LARGEST, page, vega, write_report
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.visits import visited
from isa_wrappers import InfluenceScope
from isa_wrappers.errors import InvalidValueError, MissingDependencyError


def data_of(text):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, flags=re.DOTALL)[1])


def test_nothing_is_taken_for_markup_and_nothing_fetched():
    """What a folder of somebody else's says stays data."""
    text = page({"runs": "</script><script>alert(1)</script>{{js}}", "notes": []}, "/* vega </script> */")
    assert text.count("<script") == 3
    assert "default-src 'none'" in text
    assert data_of(text)["runs"] == "</script><script>alert(1)</script>{{js}}"
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)


def test_without_vega_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'isa-marl\[report\]'"):
        write_report([small_run_folder(tmp_path / "run")], tmp_path / "report.html")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match=r"ends in \.html, got"):
        write_report([small_run_folder(tmp_path / "run")], tmp_path / "report.pdf")
    with pytest.raises(InvalidValueError, match="at least one run"):
        write_report([], tmp_path / "report.html")


def test_what_a_page_lacks_is_said(tmp_path, monkeypatch):
    """Runs of two tasks, one of which nobody agreed to import."""
    monkeypatch.setattr(report_page, "vega", lambda: "")
    one, other = small_run_folder(tmp_path / "one"), small_run_folder(tmp_path / "other", algo="ippo")
    config = other.config_file.read_text().replace("grid/unlock", "nobody_has_this:env")
    other.config_file.write_text(re.sub(r"env_kwargs:\n(  .*\n|- .*\n)*", "", config))
    written = write_report([one, other], tmp_path / "report.html")
    assert written.notes[0] == "runs of 2 tasks are shown side by side, not compared"
    assert re.match("no replay of .*other: .* names a custom environment", written.notes[1])
    assert len(written.notes) == 2


@pytest.mark.parametrize(
    ("task", "why"), [("grid/nope", "unknown task 'grid/nope'"), ("grid/shooting", "made for another environment")]
)
def test_a_run_that_cannot_be_played_here_is_told_of_all_the_same(tmp_path, monkeypatch, task, why):
    """Its environment may be missing on this machine: all else is data."""
    monkeypatch.setattr(report_page, "vega", lambda: "")
    run = small_run_folder(tmp_path / "run")
    text = run.config_file.read_text().replace("env: grid/unlock", f"env: {task}")
    run.config_file.write_text(re.sub(r"env_kwargs:\n(  .*\n|- .*\n)*", "", text))
    (note,) = write_report([run], tmp_path / "report.html").notes
    assert note.startswith(f"no replay of {run.path}: ")
    assert why in note


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page of two seeds, in which the first has a scope of three agents with figures everywhere from 0 to 1."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [small_run_folder(folder / "first", 1), small_run_folder(folder / "second", 2)]
    report = write_report(runs, folder / "report.html")
    assert report.bytes < LARGEST
    assert report.notes == []
    figures = np.random.default_rng(0).random((3, 4, 6)).round(2)  # some are a threshold of the test's exactly
    figures[1, 3] = 0.0
    scope = InfluenceScope(("a", "b", "c"), figures, 0.5, (4, 3, 4))
    contents = data_of((folder / "report.html").read_text())
    contents["runs"][0]["scope"] = scope_contents(scope)
    (folder / "report.html").write_text(page(contents, vega()))
    return folder / "report.html", scope


def check_visits(tab, found):
    """Choose dimensions and a phase: the cells hold what NumPy counts in the run folder."""
    shown, told = tab.locator("div.visits").first, tab.locator(".visits-told").first
    for phase, (x, y) in (("all phases", (0, 1)), ("reach", (1, 0)), ("reach", (1, 1))):
        tab.get_by_label("dimension of visits, to the right").first.select_option(label=f"agent_0.{'xy'[x]}")
        tab.get_by_label("dimension of visits, upwards").first.select_option(label=f"agent_0.{'xy'[y]}")
        tab.get_by_label("phase of visits").first.select_option(label=phase)
        states = np.concatenate([one.states for one in found if phase in ("all phases", one.phase)])[:, [x, y]]
        cells, counts = np.unique(states, axis=0, return_counts=True)
        seen = {(cell["x"], cell["y"]): cell["count"] for cell in json.loads(shown.get_attribute("data-told"))}
        assert seen == dict(zip(map(tuple, cells.astype(int).tolist()), counts.tolist(), strict=True))
        summary = f"{counts.sum()} visits in {len(counts)} cells; most, {counts.max()}, in agent_0."
        assert told.inner_text().startswith(summary)
        shown.locator("svg.marks").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it(browser, written, width):
    path, scope = written
    tab, said, asked = opened(browser, path.as_uri(), width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, "nothing runs out of the page"

    slider, sets = tab.locator("input.delta").first, tab.locator(".sets").first
    for delta in np.linspace(0.05, 0.95, 10).round(2):
        slider.evaluate("(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", str(delta))
        told, wanted = json.loads(sets.get_attribute("data-told")), scope.with_delta(float(delta))
        assert told["D_c"] == wanted.common_dims
        assert told["D_i"] == wanted.agent_dims
        assert told["D_i_minus_c"] == wanted.special_dims
        assert told["D_a"] == list(wanted.action_dims.values())

    replay = tab.locator("section.replay").first
    last = int(replay.locator("input[type=range]").get_attribute("max"))
    replay.focus()
    tab.keyboard.press("ArrowRight")
    assert replay.locator("output").inner_text().strip() == f"1 of {last}"
    assert "environment" in replay.locator("table").inner_text()
    tab.keyboard.press("ArrowLeft")
    replay.get_by_role("button", name="play").click()
    tab.wait_for_function(
        "last => document.querySelector('section.replay output').textContent.trim() === `${last} of ${last}`", arg=last
    )
    assert replay.get_by_role("button", name="play").is_visible(), "it stops at the end"

    check_visits(tab, visited(RunFolder.open(path.parent / "first")))
    if width == 1280:
        tab.locator(".charts .mark-symbol.role-mark path").first.hover(force=True)
        tab.wait_for_selector("#vg-tooltip-element.visible")
        assert "isa (n=2)" in tab.locator("#vg-tooltip-element").inner_text()
        with tab.expect_download() as given:
            tab.locator("button.csv").first.click()
        assert given.value.path().read_text().startswith("env_steps")
    tab.locator("#theme").click()
    tab.wait_for_selector("html[data-theme=dark]", state="attached")
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    tab.close()


@pytest.mark.slow
def test_a_heat_map_is_no_wider_than_a_phone(browser, written, tmp_path):
    """Of three agents with seven dimensions the last column can be seen without scrolling."""
    contents = data_of(written[0].read_text())
    figures = np.random.default_rng(0).random((3, 6, 7))
    names = tuple(f"agent_{i}.{axis}" for i in range(3) for axis in "xy")
    scope = InfluenceScope(("agent_0", "agent_1", "agent_2"), figures, 0.5, (6, 6, 6), state_names=(*names, "bullets"))
    contents["runs"][0]["scope"] = scope_contents(scope)
    (tmp_path / "report.html").write_text(page(contents, vega()))
    tab, said, _ = opened(browser, (tmp_path / "report.html").as_uri(), 400)
    map_of = tab.locator("[aria-label='influence scope']").first
    map_of.locator("svg.marks").wait_for()
    wide, room = map_of.evaluate("node => [node.closest('.wide').scrollWidth, node.closest('.wide').clientWidth]")
    assert wide <= room
    assert said == []
    tab.close()
