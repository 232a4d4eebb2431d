"""Scopes as pictures."""

import numpy as np
import pytest

from isa_wrappers import InfluenceScope, plot_scope


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
