"""What the tests of the command line share: figures are blank where no test looks at them."""

import io
from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session")
def blank():
    """A PNG of one pixel."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "png")
    return file.getvalue()


@pytest.fixture(autouse=True)
def blank_figures(request, monkeypatch):
    """Lay out and draw no figure: it takes most of the time of a small run.

    They are made up to that, and one pixel is written in their place; tests marked ``figures`` draw them, and so do
    fixtures of whole modules, which come before this one, and processes of their own.
    """
    if request.node.get_closest_marker("figures") or find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    pixel, draw = request.getfixturevalue("blank"), Figure.savefig

    def save(self, file, **options):
        if options.get("format") == "png":
            file.write(pixel)
        else:
            draw(self, file, **options)

    monkeypatch.setattr(Figure, "savefig", save)
