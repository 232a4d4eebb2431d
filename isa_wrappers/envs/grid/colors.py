"""Shared colours of the pictures of the grid tasks."""

from __future__ import annotations

from isa_wrappers.envs.drawing import Color

GROUND: Color = (250, 250, 248)
LINE: Color = (222, 224, 228)
"""Lines between cells, and lights that are off."""
STONE: Color = (90, 96, 108)
"""Things that never move."""
SHADE: Color = (253, 236, 214)
"""Special cells."""
AMBER: Color = (245, 166, 35)
"""Things that agents change together, until they are complete."""
