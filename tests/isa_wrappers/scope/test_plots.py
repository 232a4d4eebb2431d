"""Scopes as pictures."""

import numpy as np
import pytest

from isa_wrappers import InfluenceScope, plot_scope
from isa_wrappers.errors import CannotWriteError
from isa_wrappers.scope.plots import label


@pytest.fixture
def scope():
    values = np.random.default_rng(0).random((2, 3, 4))
    values[1, 2] = 0.0
    names = ("red.x", "red.y", "blue.x", "bullets")
    return InfluenceScope(("red", "blue"), values, 0.6, (3, 2), names, ("stay", "move", "shoot"))


@pytest.mark.parametrize("named", [True, False])
def test_plot_writes_a_picture(scope, tmp_path, named):
    pytest.importorskip("matplotlib")
    if not named:
        scope = InfluenceScope.from_dimensions({"a": [[], [0]], "b": [[1]]}, 3)
    path = plot_scope(scope, tmp_path / "scope.png")
    assert path == tmp_path / "scope.png"
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))
    assert width > 200
    assert height > 100


def test_the_colours_are_named_after_the_figure(scope, tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure")
    labels, real = [], figure.Figure.colorbar
    monkeypatch.setattr(
        figure.Figure, "colorbar", lambda self, image, label: labels.append(label) or real(self, image, label=label)
    )
    plot_scope(scope.with_delta([0.1, 0.2, 0.3, 0.4]), tmp_path / "scope.png")
    assert labels == [scope.figure]


def test_cells_of_the_scope_are_outlined(scope, tmp_path, monkeypatch):
    collections = pytest.importorskip("matplotlib.collections")
    drawn, real = [], collections.PatchCollection
    monkeypatch.setattr(
        collections, "PatchCollection", lambda cells, **style: drawn.extend(cells) or real(cells, **style)
    )
    plot_scope(scope, tmp_path / "scope.png")
    rows = [(i, a) for i in range(2) for a in range(scope.num_actions[i])]
    outlined = {(int(cell.get_y() + 0.5), int(cell.get_x() + 0.5)) for cell in drawn}
    assert outlined == {(row, k) for row, (i, a) in enumerate(rows) for k in np.flatnonzero(scope.action_mask[i, a])}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cost in $, gain in $", "$x", r"\$", "$$", "$\\frac$", "名前", "a\0b", "\udcff", "x" * 300, "_a", "^{"]
)
def test_any_name_can_be_drawn(tmp_path, name):
    pytest.importorskip("matplotlib")
    scope = InfluenceScope(
        (name,), np.full((1, 2, 1), 0.5), 0.1, (2,), state_names=(name,), action_names=(name, "b"), figure=name
    )
    assert plot_scope(scope, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_label_reads_as_the_name():
    text = pytest.importorskip("matplotlib.text")
    for name in ("cost in $, gain in $", "$$", "a$b", "plain"):
        drawn, mathematics = text.Text(text="x")._preprocess_math(label(name))
        assert (drawn, bool(mathematics)) == (name, False)


def test_a_picture_that_cannot_be_written_leaves_the_old_one(scope, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError, match="cannot write to"):
        plot_scope(scope, tmp_path / "file" / "a.png")
