"""Colours that the pictures of the grid tasks share."""

from __future__ import annotations

from isa_wrappers.envs.drawing import Color

GROUND: Color = (250, 250, 248)
LINE: Color = (222, 224, 228)
"""Between two cells, and around what is off."""
STONE: Color = (90, 96, 108)
"""Of what never moves."""
SHADE: Color = (253, 236, 214)
"""Of cells that differ from others."""
AMBER: Color = (245, 166, 35)
"""Of what agents change together, until it is done."""
