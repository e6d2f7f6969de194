"""Rows, columns and tables of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convgrad_cli.render.figure_ink import math_size, text_width
from convgrad_cli.render.figure_sheet import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from convgrad_cli.render.figure_sheet import Box

WIDEST = 2.0
"""A cell is at most so many times as wide as it is high."""


@dataclass
class Row:
    """Boxes beside each other, their axes on one line."""

    boxes: Sequence[Box]
    gap: float = 0.22

    def size(self, unit: float) -> tuple[float, float]:
        """Sum of widths; height above the axis and below it."""
        width = sum(box.size(unit)[0] for box in self.boxes) + self.gap * (len(self.boxes) - 1)
        return width, self.axis(unit) + max(
            box.size(unit)[1] - box.axis(unit) for box in self.boxes
        )

    def axis(self, unit: float) -> float:
        """The boxes' common one."""
        return max(box.axis(unit) for box in self.boxes)

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """From left to right."""
        level = y + self.axis(unit)
        for box in self.boxes:
            box.draw(axes, x, level - box.axis(unit), unit)
            x += box.size(unit)[0] + self.gap


@dataclass
class Column:
    """Boxes below each other, from the left or centred."""

    boxes: Sequence[Box]
    gap: float = 0.25
    centred: bool = False

    def size(self, unit: float) -> tuple[float, float]:
        """Greatest width, sum of heights."""
        sizes = [box.size(unit) for box in self.boxes]
        return max(w for w, _ in sizes), sum(h for _, h in sizes) + self.gap * (len(sizes) - 1)

    def axis(self, unit: float) -> float:
        """The first box's."""
        return self.boxes[0].axis(unit)

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """From top to bottom."""
        width = self.size(unit)[0]
        for box in self.boxes:
            own, height = box.size(unit)
            box.draw(axes, x + ((width - own) / 2 if self.centred else 0), y, unit)
            y += height + self.gap


@dataclass
class Table:
    """Boxes in rows and columns: those of a row on one line, those of a column centred."""

    rows: Sequence[Sequence[Box]]
    gap: tuple[float, float] = (0.5, 0.25)
    """Between columns, between rows."""

    def size(self, unit: float) -> tuple[float, float]:
        """Sums of the columns' widths and the rows' heights."""
        heights = [Row(row).size(unit)[1] for row in self.rows]
        widths = self._widths(unit)
        return (
            sum(widths) + self.gap[0] * (len(widths) - 1),
            sum(heights) + self.gap[1] * (len(heights) - 1),
        )

    def axis(self, unit: float) -> float:
        """The middle between the first row's and the last one's."""
        first, last = Row(self.rows[0]), Row(self.rows[-1])
        lowest = self.size(unit)[1] - last.size(unit)[1] + last.axis(unit)
        return (first.axis(unit) + lowest) / 2

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Row by row."""
        widths = self._widths(unit)
        for row in self.rows:
            level, left = y + Row(row).axis(unit), x
            for box, width in zip(row, widths, strict=True):
                spare = width - box.size(unit)[0]
                box.draw(axes, left + spare / 2, level - box.axis(unit), unit)
                left += width + self.gap[0]
            y += Row(row).size(unit)[1] + self.gap[1]

    def _widths(self, unit: float) -> list[float]:
        return [max(box.size(unit)[0] for box in column) for column in zip(*self.rows, strict=True)]


def widen(box: Box) -> None:
    """Make all cells as wide as the longest text among them needs, the same in every block."""
    found = list(_blocks(box))
    cells = [cell for block in found for row in block.cells for cell in row]
    numbers = {cell.text for cell in cells if not cell.math}
    # An inch high, a cell has text of about 22 points.
    needs = [text_width(text, 22, bold=True) / 0.8 for text in numbers]
    symbols = {cell.text for cell in cells if cell.math}
    if symbols:
        needs.append(math_size(max(symbols, key=len))[0] * 19 / 0.82)
    for block in found:
        block.wide = min(max([1.0, *needs]), WIDEST)


def _blocks(box: Box) -> Iterator[Block]:
    if isinstance(box, Block):
        yield box
    elif isinstance(box, Row | Column):
        for inner in box.boxes:
            yield from _blocks(inner)
    elif isinstance(box, Table):
        for row in box.rows:
            for inner in row:
                yield from _blocks(inner)
