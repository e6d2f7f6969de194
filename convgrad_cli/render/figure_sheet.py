"""The sheet of a figure: blocks of cells and signs, laid out in boxes on a 16:9 slide.

Boxes stand on an axis, the middle line of their cells, so that grids and the signs between them are
level whatever stands above them. ``unit`` is the side of a cell: the largest for which all fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from convgrad_cli.errors import UsageError
from convgrad_cli.render.figure_ink import (
    ACCENT,
    INK,
    SOFT,
    Cell,
    arrow,
    draw_cell,
    math_size,
    patch,
    plain,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

WIDTH, HEIGHT = 40 / 3, 7.5
MARGIN = 0.45
LARGEST, COMFORTABLE, SMALLEST = 0.95, 0.27, 0.17
"""Sides of a cell: the most, what reads well on a slide, and the least that can be read at all."""
TITLE, ABOUT, LEADING = 12.5, 10.0, 0.2
"""Points of a block's title and of the words under it, and the height of a line of either."""
NARROW = 2.3
"""A heading wraps where it is wider than its block and than this."""


class Box(Protocol):
    """Something with a size that can be drawn."""

    def size(self, unit: float) -> tuple[float, float]:
        """Width and height."""

    def axis(self, unit: float) -> float:
        """How far below the top its middle line is."""

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Draw with the upper left corner at (x, y)."""


@dataclass
class Block:
    """A titled grid of cells, perhaps with a frame (top, left, rows, columns) over it."""

    title: str
    cells: Sequence[Sequence[Cell]]
    about: str = ""
    frame: tuple[int, int, int, int] | None = None
    narrow: float = NARROW
    """Up to this width the heading does not wrap, however small the grid."""
    wide: float = 1.0
    """A cell's width where its height is 1."""

    def size(self, unit: float) -> tuple[float, float]:
        """The grid, and above it the heading, which wraps."""
        width, lines = self._heading(unit)
        return width, len(self.cells) * unit + _height(lines)

    def axis(self, unit: float) -> float:
        """The middle of the grid."""
        return _height(self._heading(unit)[1]) + len(self.cells) * unit / 2

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Heading, cells, frame."""
        width, lines = self._heading(unit)
        for number, (text, bold) in enumerate(lines):
            middle = (x + width / 2, y + 0.1 + number * LEADING)
            if bold:
                plain(axes, *middle, text, TITLE, INK, weight="bold")
            else:
                plain(axes, *middle, text, ABOUT, SOFT)
        left, top = x + (width - self._across(unit)) / 2, y + _height(lines)
        side = (unit * self.wide, unit)
        points = self._points(unit)
        for r, row in enumerate(self.cells):
            for c, cell in enumerate(row):
                draw_cell(axes, cell, (left + c * side[0], top + r * unit), side, points)
        self._draw_frame(axes, left, top, unit)

    def _draw_frame(self, axes: Axes, x: float, y: float, unit: float) -> None:
        if self.frame is None:
            return
        top, left, rows, columns = self.frame
        across = unit * self.wide
        corner = (x + left * across - 0.02, y + top * unit - 0.02)
        patch(
            axes, corner, columns * across + 0.04, rows * unit + 0.04, unit,
            facecolor="none", edgecolor=ACCENT, linewidth=2.4, zorder=4,
        )  # fmt: skip

    def _heading(self, unit: float) -> tuple[float, list[tuple[str, bool]]]:
        """The block's width, and the lines above its grid, the bold ones first."""
        room = max(self._across(unit), self.narrow)
        titles = wrapped(self.title, room, TITLE, bold=True)
        words = wrapped(self.about, room, ABOUT)
        widths = [text_width(line, TITLE, bold=True) for line in titles]
        widths += [text_width(line, ABOUT) for line in words]
        lines = [(line, True) for line in titles] + [(line, False) for line in words]
        return max([self._across(unit), *widths]), lines

    def _across(self, unit: float) -> float:
        """The grid's width."""
        return len(self.cells[0]) * unit * self.wide

    def _points(self, unit: float) -> float:
        """One text size for the whole block: what its longest text needs."""
        cells = [cell for row in self.cells for cell in row]
        side, across = unit * 72, unit * self.wide
        numbers = {cell.text for cell in cells if not cell.math and cell.text}
        widest = max((text_width(text, 1, bold=True) for text in numbers), default=0.0)
        points = min(side * 0.36, 0.8 * across / widest if widest else side)
        symbols = {cell.text for cell in cells if cell.math}
        if symbols:
            wide, high = math_size(max(symbols, key=len))
            points = min(points, side * 0.3, 0.82 * across / wide, 0.74 * unit / high)
        return points


def _height(lines: Sequence[tuple[str, bool]]) -> float:
    return LEADING * len(lines) + (0.08 if lines else 0)


@dataclass
class Sign:
    """An operator between blocks, perhaps with a word under it."""

    text: str
    word: str = ""

    def size(self, unit: float) -> tuple[float, float]:
        """As wide as its word."""
        width = text_width(self.word, ABOUT) if self.word else 0.0
        return max(0.3, width), 0.6 if self.word else 0.4

    def axis(self, unit: float) -> float:
        """The middle of the sign itself."""
        return 0.2

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Centred."""
        middle = x + self.size(unit)[0] / 2
        plain(axes, middle, y + 0.2, self.text, 34 if self.text == "∘" else 21, SOFT)
        if self.word:
            plain(axes, middle, y + 0.52, self.word, ABOUT, SOFT)


@dataclass
class Arrow:
    """An arrow from block to block, its words above it."""

    words: str

    def size(self, unit: float) -> tuple[float, float]:
        """As wide as its longest line, and not too short."""
        widths = [text_width(line, ABOUT) for line in self._lines()]
        return max(0.55, max(widths, default=0.0) + 0.1), self.axis(unit) + 0.1

    def axis(self, unit: float) -> float:
        """The arrow itself."""
        return len(self._lines()) * LEADING + 0.08

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Words, and the arrow under them."""
        width, level = self.size(unit)[0], y + self.axis(unit)
        for number, line in enumerate(self._lines()):
            plain(axes, x + width / 2, y + 0.1 + number * LEADING, line, ABOUT, SOFT)
        arrow(axes, (x + 0.04, level), (x + width - 0.04, level))

    def _lines(self) -> list[str]:
        return wrapped(self.words, 1.0, ABOUT)


@dataclass
class Label:
    """A heading of several blocks."""

    text: str

    def size(self, unit: float) -> tuple[float, float]:
        """One line."""
        return text_width(self.text, 14, bold=True), 0.36

    def axis(self, unit: float) -> float:
        """The line."""
        return 0.13

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """In the accent's colour, to stand out from the blocks' own titles."""
        plain(axes, x, y + 0.13, self.text, 14, ACCENT, weight="bold", ha="left")


def fitting(choices: Sequence[Sequence[Box]], width: float, height: float) -> tuple[Box, float]:
    """The box to draw, and the size of its cells.

    A choice is a list of layouts of the same content, of which the largest is taken; the first
    choice with cells of a comfortable size wins, else the last. Raises UsageError below what can be
    read.
    """
    for layouts in choices:
        unit, number = max((_fitting_unit(box, width, height), -n) for n, box in enumerate(layouts))
        if unit >= COMFORTABLE or (layouts is choices[-1] and unit >= SMALLEST):
            return layouts[-number], unit
    raise UsageError(
        "The layer is too large for a figure with a number in every cell.",
        remedy="--kind heatmap draws large arrays; convgrad explore --crop shows a part of them",
    )


def _fitting_unit(box: Box, width: float, height: float) -> float:
    unit = LARGEST
    while unit >= SMALLEST:
        own = box.size(unit)
        if own[0] <= width and own[1] <= height:
            return unit
        unit *= 0.97
    return 0.0
