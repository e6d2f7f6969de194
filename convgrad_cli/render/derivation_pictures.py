"""Matrices in a terminal: side by side where they fit, cut in the middle where one does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import Grid
from convgrad_cli.render.derivation_text import units
from convgrad_cli.render.grid import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.render.grid import Line


def picture_lines(parts: tuple[str | Grid, ...], width: int) -> Iterator[Line]:
    """Matrices in a line, broken before a sign where they are too wide."""
    band: list[str | Grid] = []
    used = 0
    margin = max(0, parts[0].find("=") - 1) if isinstance(parts[0], str) else 0
    for unit in units(parts):
        wide = _unit_width(unit)
        if band and used + wide > width:
            yield from _drawn(band)
            if any(isinstance(part, Grid) and len(part.cells) > 1 for part in band):
                yield []
            band, used = [" " * margin], margin
            if margin + wide > width:
                band, used = [], 0
        if wide > width:
            label, *grids = unit
            yield [Span(str(label).rstrip())]
            unit = [_fitted(g, width) if isinstance(g, Grid) else g for g in grids]
            wide = _unit_width(unit)
        band += unit
        used += wide
    yield from _drawn(band)


def _fitted(grid: Grid, width: int) -> Grid:
    """The grid with columns left out in the middle where it is wider than the terminal."""
    columns = list(range(len(grid.cells[0])))
    while _grid_width(_columns(grid, columns)) > width and len(columns) > 2:
        del columns[len(columns) // 2]
    if len(columns) == len(grid.cells[0]):
        return grid
    return _columns(grid, columns)


def _columns(grid: Grid, columns: Sequence[int]) -> Grid:
    """Some of a grid's columns, with dots where others were."""
    if len(columns) == len(grid.cells[0]):
        return grid
    gap = next(at for at, column in enumerate([*columns, -1]) if column != at)
    cells = [
        [*(row[c] for c in columns[:gap]), "…", *(row[c] for c in columns[gap:])]
        for row in grid.cells
    ]
    places = {c: at + (at >= gap) for at, c in enumerate(columns)}
    marked = frozenset((r, places[c]) for r, c in grid.marked if c in places)
    return Grid(cells, marked)


def _unit_width(unit: Sequence[str | Grid]) -> int:
    return sum(len(part) if isinstance(part, str) else _grid_width(part) for part in unit)


def _grid_width(grid: Grid) -> int:
    marks = 2 if grid.marked else 0
    widths = (max(map(len, column)) + marks for column in zip(*grid.cells, strict=True))
    return sum(wide + 2 for wide in widths) + 2


def _drawn(parts: Sequence[str | Grid]) -> Iterator[Line]:
    """Text and matrices side by side; marked cells stand out."""
    drawn = [part if isinstance(part, str) else _boxed(part) for part in parts]
    height = max((len(part) for part in drawn if isinstance(part, list)), default=1)
    for row in range(height):
        line: Line = []
        for part in drawn:
            if isinstance(part, str):
                line.append(Span(part if row == (height - 1) // 2 else " " * len(part)))
            elif row < len(part):
                line += part[row]
            else:
                line.append(Span(" " * sum(len(text) for text, _ in part[0])))
        yield line


def _boxed(grid: Grid) -> list[Line]:
    brackets = bool(grid.marked)
    cells = [
        [f"[{cell}]" if (r, c) in grid.marked else f" {cell} " if brackets else cell
         for c, cell in enumerate(row)]
        for r, row in enumerate(grid.cells)
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines: list[Line] = []
    for r, row in enumerate(cells):
        line: Line = [Span("[ " if len(cells) == 1 else "│ ", "faint")]
        for c, (cell, wide) in enumerate(zip(row, widths, strict=True)):
            style = "marked" if (r, c) in grid.marked else "faint" if cell.strip() == "0" else ""
            line += [Span(cell.rjust(wide), style), Span("  " if c < len(row) - 1 else " ")]
        lines.append([*line, Span("]" if len(cells) == 1 else "│", "faint")])
    return lines
