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


class _Laid(NamedTuple):
    """A plane as text before it is cut to the width: a label for every row, a head a column."""

    labels: list[str]
    heads: list[str]
    rows: list[Line]

    def columns(self, chosen: Sequence[int]) -> _Laid:
        """The same with these columns only."""
        rows = [[row[at] for at in chosen] for row in self.rows]
        return _Laid(self.labels, [self.heads[at] for at in chosen], rows)


def draw(plane: Plane, cells: Sequence[Span], head: Line, width: int, glyphs: Glyphs) -> list[Grid]:
    """A plane as one grid, or as several with consecutive columns where one is too wide.

    cells: the shown numbers in row-major order, all of one width.
    head: the line above the numbers, on the first grid only.
    An abbreviated plane has fewer columns rather than several grids; a vector is broken into rows.
    """
    laid = _laid_out(plane, cells, glyphs)
    labels = laid.labels if plane.rows else laid.heads  # a broken vector's labels are positions
    column = max(len(cells[0].text), *map(len, laid.heads))
    room = max((width - max(map(len, labels)) - 2) // (column + 2), 1)
    if None in plane.columns:
        laid = _fewer_columns(laid, plane.columns.index(None), room)
        room = len(laid.heads)
    elif not plane.rows and len(laid.heads) > room:
        laid = _broken(laid, room)
    starts = range(0, len(laid.heads), room)
    stops = [min(start + room, len(laid.heads)) for start in starts]
    parts = [laid.columns(range(*ends)) for ends in zip(starts, stops, strict=True)]
    first, *rest = (_lines(part, glyphs) for part in parts)
    return [[head, *first] if head else first, *rest]


def _laid_out(plane: Plane, cells: Sequence[Span], glyphs: Glyphs) -> _Laid:
    """The plane's numbers in their rows, with marks where rows and columns are left out."""
    labels = [glyphs.down if at is None else str(at) for at in plane.rows] or [""]
    heads = [glyphs.across if at is None else str(at) for at in plane.columns]
    numbers = iter(cells)
    rows = []
    for at in plane.rows or (0,):
        if at is None:
            rows.append([Span("")] * len(heads))
        else:
            gap = Span(glyphs.across, "faint")
            rows.append([gap if column is None else next(numbers) for column in plane.columns])
    return _Laid(labels, heads, rows)


def _fewer_columns(laid: _Laid, gap: int, room: int) -> _Laid:
    """As many columns around the gap as there is room for, at least one on each side."""
    count = len(laid.heads)
    if count <= room:
        return laid
    left = max(room // 2, 1)
    right = max(room - 1 - left, 1)
    return laid.columns([*range(left), gap, *range(count - right, count)])


def _broken(vector: _Laid, room: int) -> _Laid:
    """A vector in rows: a row's label and a column's head add up to a position."""
    step = next((room - room % unit for unit in (10, 5) if room >= unit), room)
    (cells,) = vector.rows
    starts = range(0, len(cells), step)
    rows = [cells[start : start + step] for start in starts]
    rows[-1] += [Span("")] * (step - len(rows[-1]))
    return _Laid([str(start) for start in starts], [f"+{at}" for at in range(step)], rows)


def _lines(laid: _Laid, glyphs: Glyphs) -> Grid:
    """The heads, the rule under them, and a line for every row."""
    margin = max(map(len, laid.labels))
    widths = [
        max(len(head), *(len(row[at].text) for row in laid.rows))
        for at, head in enumerate(laid.heads)
    ]
    pad = " " * margin
    header = "".join(f"  {head.rjust(wide)}" for head, wide in zip(laid.heads, widths, strict=True))
    rule = glyphs.horizontal * len(header)
    lines: Grid = [
        [Span(f"{pad}  {header}", "faint")],
        [Span(f"{pad} {glyphs.corner}{rule}", "faint")],
    ]
    for label, row in zip(laid.labels, laid.rows, strict=True):
        line = [Span(f"{label.rjust(margin)} {glyphs.vertical}", "faint")]
        for cell, wide in zip(row, widths, strict=True):
            line += [Span(" " * (wide - len(cell.text) + 2)), cell]
        lines.append(line)
    return lines


def side_by_side(grids: Sequence[Grid], width: int) -> Iterator[Grid]:
    """Grids from left to right, as many to a paragraph as the width holds.

    A lone line (that says what is left out) is a paragraph of its own.
    """
    band: list[Grid] = []
    used = 0
    for grid in grids:
        wide = _SPACE + grid_width(grid)
        if band and (used + wide - _SPACE > width or 1 in (len(grid), len(band[-1]))):
            yield _joined(band)
            band, used = [], 0
        used += wide
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
