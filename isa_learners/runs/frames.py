"""Frames of a film: the picture, and next to it the step, the parts of the rewards and a legend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from isa_learners.runs.drawing import Picture
from isa_learners.runs.filming import Film, Shot
from isa_wrappers.envs.drawing import Color, Mark, agent_color, cross, disc

SMALLEST, LARGEST = 480, 960
"""Minimum pixels of a picture's shorter side and maximum pixels of its longer side; the maximum takes precedence."""
MARGIN, LINE, COLUMN, NAMES = 16, 24, 84, 140
TITLE, TEXT, SMALL = 20, 15, 13
MOST_AGENTS = 10
"""Maximum number of reward rows; the mean of the remaining agents is shown in one row."""
PAPER: Color = (255, 255, 255)
INK: Color = (30, 34, 40)
FAINT: Color = (110, 116, 126)
EDGE: Color = (200, 204, 210)
WON: Color = (30, 130, 70)
LOST: Color = (190, 50, 45)
EXPLAINED = {
    "r_c": "r_c, r_(i-c): progress to the goal, common and special part",
    "bonus_c": "bonus_c, bonus_(i-c): rare values, common and special part",
    "env": "env: the environment's own reward",
}
"""Column -> its meaning; ``r_c`` also explains ``r_(i-c)``."""


@dataclass(frozen=True)
class Layout:
    """The layout of every frame of a film.

    Attributes:
        picture: width and height of the picture.
        columns: names of the parts of the reward.
        panel: width of the panel next to the picture.
        size: width and height of the frame, both even, as video encoders require.
    """

    picture: tuple[int, int]
    columns: tuple[str, ...]
    panel: int
    size: tuple[int, int]


def frames(film: Film) -> Iterator[Any]:
    """Draw the frames of a film as Pillow RGB images of the same size."""
    layout = layout_of(film)
    for number, shot in enumerate(film.shots):
        yield _frame(film, shot, layout, last=number == len(film.shots) - 1)


def layout_of(film: Film) -> Layout:
    """Return the layout of a film."""
    width, height = _scaled(*film.shots[0].picture.shape[1::-1])
    columns = tuple(next((shot.parts for shot in film.shots if shot.parts), {}))
    panel = max(NAMES + COLUMN * (len(columns) + 1), 340) + MARGIN
    rows = 5 + min(len(film.agents), MOST_AGENTS + 1) + len(_notes(film, columns)) + len(_legend(film))
    total = max(height + 2 * MARGIN, rows * LINE + 5 * MARGIN)
    size = (2 * MARGIN + width + panel, total)
    return Layout((width, height), columns, panel, (size[0] + size[0] % 2, size[1] + size[1] % 2))


def _scaled(width: int, height: int) -> tuple[int, int]:
    """Return a picture's size in the frame.

    Example:
        >>> _scaled(361, 361), _scaled(100, 60), _scaled(1920, 1080), _scaled(400, 40)
        ((480, 480), (800, 480), (960, 540), (960, 96))
    """
    factor = max(1.0, SMALLEST / min(width, height))
    factor = min(factor, LARGEST / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _frame(film: Film, shot: Shot, layout: Layout, last: bool) -> Any:
    from PIL import Image, ImageDraw

    frame = Image.new("RGB", layout.size, PAPER)
    frame.paste(_picture(shot.picture, layout.picture), (MARGIN, MARGIN))
    draw = ImageDraw.Draw(frame)
    edge = [MARGIN - 1, MARGIN - 1, MARGIN + layout.picture[0], MARGIN + layout.picture[1]]
    draw.rectangle(edge, outline=EDGE)
    left, top = 2 * MARGIN + layout.picture[0], MARGIN
    draw.text((left, top), _fitting(film.task, TITLE, layout.panel), INK, _font(TITLE, bold=True))
    draw.text((left, top + LINE + 4), f"{film.policy}; episode {film.episode}", FAINT, _font(TEXT))
    top = _verdict(draw, film, shot, (left, top + 2 * LINE + 6), last)
    marks: list[tuple[int, int, Mark, int]] = []
    top = _rewards(draw, film, shot, layout, (left, top + MARGIN), marks)
    draw.text((left, top), f"return so far, mean of the agents: {_number(shot.returned)}", INK, _font(TEXT))
    top += LINE + MARGIN // 2
    for note in _notes(film, layout.columns):
        draw.text((left, top), note, FAINT, _font(SMALL))
        top += LINE
    top += MARGIN // 2
    for mark in _legend(film):
        marks.append((left, top, mark, 0))
        draw.text((left + LINE, top), mark.meaning, INK, _font(TEXT))
        top += LINE
    return _marked(frame, marks)


def _picture(picture: Picture, size: tuple[int, int]) -> Any:
    """Scale a picture to its size in the frame; enlarged cells stay sharp."""
    from PIL import Image

    grown = size[0] / picture.shape[1]
    kind = Image.Resampling.NEAREST if grown >= 3 else Image.Resampling.LANCZOS
    return Image.fromarray(picture).resize(size, kind)


def _verdict(draw: Any, film: Film, shot: Shot, at: tuple[int, int], last: bool) -> int:
    stride_text = f" (every {film.stride} shown)" if film.stride > 1 else ""
    draw.text(at, f"step {shot.step}{stride_text}", INK, _font(TITLE, bold=True))
    if last:
        word, color = {True: ("won", WON), False: ("lost", LOST), None: ("cut off", FAINT)}[film.won]
        draw.text((at[0] + 220, at[1]), word, color, _font(TITLE, bold=True))
    return at[1] + LINE


def _rewards(
    draw: Any,
    film: Film,
    shot: Shot,
    layout: Layout,
    at: tuple[int, int],
    marks: list[tuple[int, int, Mark, int]],
) -> int:
    """Draw a row per agent with the parts and the total of its reward in this step; return the bottom position."""
    left, top = at
    names = (*layout.columns, "reward")
    for k, name in enumerate(names):
        draw.text((left + NAMES + COLUMN * (k + 1), top), name, FAINT, _font(SMALL), anchor="ra")
    has_agent_marks = any(mark.color is None for mark in film.legend)
    count = len(film.agents)
    shown = count if count <= MOST_AGENTS + 1 else MOST_AGENTS
    rows = [(film.agents[i], slice(i, i + 1), i) for i in range(shown)]
    if shown < count:
        rows.append((f"{count - shown} others, mean", slice(shown, count), -1))
    for name, agents, i in rows:
        top += LINE
        if has_agent_marks and i >= 0:
            marks.append((left, top, Mark("disc", None, ""), i))
        indent = LINE if has_agent_marks else 0
        draw.text((left + indent, top), _fitting(str(name), TEXT, NAMES - indent), INK, _font(TEXT))
        values = [*(shot.parts.get(part) for part in layout.columns), shot.total]
        for k, value in enumerate(values):
            if value is not None:
                text = _number(float(np.mean(value[agents])))
                draw.text((left + NAMES + COLUMN * (k + 1), top), text, INK, _font(TEXT), anchor="ra")
    return top + LINE


def _notes(film: Film, columns: tuple[str, ...]) -> list[str]:
    """Return the meaning of the columns, and notes on the picture that the legend lacks."""
    notes = [EXPLAINED[name] for name in columns if name in EXPLAINED]
    notes.append("reward: total reward in training, parts weighted")
    if not film.legend:
        notes.append("the picture is the environment's own render()")
    if film.has_goal and not film.shows_goal:
        notes.append("the goal, a previously won state, is not drawn")
    return notes


def _legend(film: Film) -> list[Mark]:
    return [mark for mark in film.legend if film.shows_goal or not mark.of_goal]


def _marked(frame: Any, marks: list[tuple[int, int, Mark, int]]) -> Any:
    """Draw marks at their position in the frame, in their own colour or that of an agent."""
    from PIL import Image

    image = np.array(frame)
    for left, top, mark, agent in marks:
        color = agent_color(agent) if mark.color is None else mark.color
        row, column, radius = top + 9, left + 8, 7
        box = image[row - radius : row + radius + 1, column - radius : column + radius + 1]
        if mark.shape == "disc":
            disc(image, row, column, radius, color)
        elif mark.shape == "cross":
            cross(image, row, column, radius, color)
        else:
            box[:] = color
            if mark.shape == "frame":
                box[2:-2, 2:-2] = PAPER
    return Image.fromarray(image)


def _number(value: float) -> str:
    """Format a reward.

    Example:
        >>> _number(0.0), _number(0.70711), _number(-12.5), _number(1234.5), _number(0.00012)
        ('0', '0.707', '-12.5', '1.23e+03', '0.00012')
    """
    return f"{value:.3g}"


def _fitting(text: str, size: int, width: int) -> str:
    """Return a text, shortened to at most ``width`` pixels."""
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


@cache
def _font(size: int, bold: bool = False) -> Any:
    """Return DejaVu Sans from Matplotlib, as Pillow's own font lacks many characters."""
    import matplotlib
    from PIL import ImageFont

    name = f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
