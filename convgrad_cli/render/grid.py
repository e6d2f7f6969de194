"""A grid of numbers as lines of styled spans, and grids side by side; no terminal in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.render.planes import Plane
    from convgrad_cli.render.result import Array

_SPACE: Final = 4  # columns between grids that stand side by side


class Span(NamedTuple):
    """A piece of a line and its style's name ("" for none)."""

    text: str
    style: str = ""


Line = list[Span]
Grid = list[Line]


class Glyphs(NamedTuple):
    """The characters that a grid is drawn with."""

    corner: str
    horizontal: str
    vertical: str
    across: str
    down: str
    separator: str


UNICODE: Final = Glyphs("┌", "─", "│", "…", "⋮", " · ")
ASCII: Final = Glyphs("+", "-", "|", "...", ":", ", ")


def draw(plane: Plane, cells: Sequence[Span], head: Line, width: int, glyphs: Glyphs) -> list[Grid]:
    """A plane as one grid, or as several with consecutive columns where one is too wide.

    cells: the shown numbers in row-major order, all of one width.
    head: the line above the numbers (on the first grid only).
    """
    shown = sum(at is not None for at in plane.columns)
    rows = [list(cells[start : start + shown]) for start in range(0, len(cells), shown)]
    labels = ["" if at is None else str(at) for at in plane.rows] or [""]
    margin = max(map(len, labels))
    numbers = [len(str(at)) for at in plane.columns if at is not None]
    column = max(len(cells[0].text), *numbers)
    room = max((width - margin - 3) // (column + 2), 1)
    grids = []
    for start in range(0, len(plane.columns), room):
        part = plane.columns[start : start + room]
        body = _lines(plane, rows, part, labels, margin, column, glyphs)
        grids.append([head, *body] if head and not start else body)
    return grids


def _lines(
    plane: Plane,
    rows: list[list[Span]],
    part: Sequence[int | None],
    labels: Sequence[str],
    margin: int,
    column: int,
    glyphs: Glyphs,
) -> Grid:
    """The header, the rule under it, and a line for every row (or gap of rows)."""
    order = [at for at in plane.columns if at is not None]
    places = [None if at is None else order.index(at) for at in part]
    heads = [glyphs.across if at is None else str(at) for at in part]
    widths = [len(glyphs.across) if at is None else column for at in part]
    pad = " " * margin
    header = "".join(f"  {head.rjust(wide)}" for head, wide in zip(heads, widths, strict=True))
    rule = glyphs.horizontal * (sum(widths) + 2 * len(widths))
    lines: Grid = [
        [Span(f"{pad}  {header}", "faint")],
        [Span(f"{pad} {glyphs.corner}{rule}", "faint")],
    ]
    remaining = iter(rows)
    for at, label in zip(plane.rows or (0,), labels, strict=True):
        if at is None:
            lines.append([Span(f"{glyphs.down.rjust(margin)} {glyphs.vertical}", "faint")])
            continue
        row = next(remaining)
        line = [Span(f"{label.rjust(margin)} {glyphs.vertical}", "faint")]
        for place, wide in zip(places, widths, strict=True):
            cell = Span(glyphs.across, "faint") if place is None else row[place]
            line += [Span("  " + " " * (wide - len(cell.text))), cell]
        lines.append(line)
    return lines


def side_by_side(grids: Sequence[Grid], width: int) -> Iterator[Grid]:
    """Grids from left to right, as many to a paragraph as the width holds."""
    band: list[Grid] = []
    used = 0
    for grid in grids:
        wide = grid_width(grid)
        if band and used + _SPACE + wide > width:
            yield _joined(band)
            band, used = [], 0
        used += wide + (_SPACE if band else 0)
        band.append(grid)
    if band:
        yield _joined(band)


def grid_width(grid: Grid) -> int:
    """Columns of its widest line."""
    return max(map(line_width, grid))


def line_width(line: Line) -> int:
    """Columns of a line."""
    return sum(len(text) for text, _ in line)


def cell_styles(values: Array) -> list[str]:
    """Sign and size of each number among its like: ``positive large`` … ``negative small``."""
    magnitude = np.abs(values.astype(np.float64))
    finite = magnitude[np.isfinite(magnitude)]
    largest = finite.max(initial=0.0)
    size = np.searchsorted([largest / 3, largest * 2 / 3], magnitude)
    return [
        "faint" if not value else f"{'positive' if value > 0 else 'negative'} {_SIZES[step]}"
        for value, step in zip(values.tolist(), size.tolist(), strict=True)
    ]


_SIZES: Final = ("small", "middling", "large")


def _joined(band: Sequence[Grid]) -> Grid:
    """Grids in one paragraph, each line padded to its grid's width but for the last grid's."""
    if len(band) == 1:
        return list(band[0])
    lines: Grid = []
    for at in range(max(map(len, band))):
        line: Line = []
        for grid in band:
            own = grid[at] if at < len(grid) else []
            line += [*own, Span(" " * (grid_width(grid) - line_width(own) + _SPACE))]
        lines.append(line[:-1])
    return lines
