"""The table that a notebook shows of a scope."""

import re

import numpy as np

from isa_wrappers import InfluenceScope
from isa_wrappers.scope.heat_map import MOST_COLUMNS, MOST_ROWS, heat_map_html


def cells(html):
    return re.findall(r"<td style=\"[^\"]*?border:([^;]*)[^\"]*\">([^<]*)</td>", html)


def test_a_scope_shows_each_figure_and_outlines_what_is_in():
    influence = np.array([[[0.0, 0.9], [0.05, 0.3]], [[1.0, 0.2], [0.0, 0.0]]])
    scope = InfluenceScope(
        ("a", "<b>"), influence, 0.1, (2, 1), state_names=("x", "y & z"), action_names=("stay", "go")
    )
    html = scope._repr_html_()
    found = cells(html)
    assert [text for _, text in found] == ["", "0.90", "0.05", "0.30", "1.00", "0.20"]
    assert [edge.startswith("2px") for edge, _ in found] == [False, True, False, True, True, True]
    assert re.findall(r"scope=\"row\"[^>]*>([^<]*)<", html) == ["a stay", "a go", "&lt;b&gt; stay"]
    assert "y &amp; z" in html
    assert "common: y &amp; z" in html
    assert "above 0.1" in html


def test_of_many_dimensions_the_most_moved_are_shown_in_their_order():
    figures = np.zeros((MOST_ROWS + 5, 100))
    figures[0] = np.linspace(0, 1, 100)
    names = [f"d{k}" for k in range(100)]
    html = heat_map_html(["r"] * len(figures), names, figures, figures > 2, "many")
    assert re.findall(r"scope=\"col\"[^>]*>([^<]*)<", html) == names[100 - MOST_COLUMNS :]
    assert html.count("<tr>") == 1 + MOST_ROWS
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 5} rows" in html
