"""The page: one file that fetches nothing; in a browser it does what it says."""

import json
import re
import shutil

import numpy as np
import pytest
from report_helpers import small_run_folder

from isa_learners.runs.report import page as report_page
from isa_learners.runs.report.contents import scope_contents
from isa_learners.runs.report.page import LARGEST, page, vega, write_report
from isa_wrappers import InfluenceScope
from isa_wrappers.errors import InvalidValueError, MissingDependencyError

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")


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
    assert written.notes[0] == "runs of 2 tasks: they stand side by side and are not compared"
    assert re.match("no replay of .*other: .* names an environment of its own", written.notes[1])
    assert len(written.notes) == 2


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("vl_convert", reason="pip install 'isa-marl[report]'")
    api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium-headless-shell")
    with api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


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


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it(browser, written, width):
    path, scope = written
    tab = browser.new_page(viewport={"width": width, "height": 900})
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.set_default_timeout(120_000)
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-ready=yes]", state="attached")
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
