"""The sheet of a figure: blocks of cells and signs, laid out in boxes on a 16:9 slide.

Sizes are inches; y grows downward. ``unit`` is the side of a cell: the largest for which all fits.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

WIDTH, HEIGHT = 40 / 3, 7.5
MARGIN = 0.45
LARGEST, COMFORTABLE, SMALLEST = 0.9, 0.27, 0.17
"""Sides of a cell: the most, what reads well on a slide, and the least that can be read at all."""
INK, SOFT, LINE, CELL, ACCENT = "#17191d", "#565c66", "#c9ccd1", "#f1f2f4", "#0072b2"
PAIRS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#d9c700", "#7a7d84",
)  # fmt: skip
"""Okabe and Ito's colours, in the page's order: the partners of one product share one."""


@dataclass
class Cell:
    """One cell: its text, what it is (``value``, ``gap``, ``pad``, ``rest``, ``crop``,
    ``unreached``), and how it is marked."""

    text: str
    role: str = "value"
    pair: int | None = None
    here: bool = False
    dot: bool = False
    tag: str = ""
    """The number of its pair's term: colour alone must not carry the meaning."""
    math: bool = False


class Box(Protocol):
    """Something with a size that can be drawn."""

    def size(self, unit: float) -> tuple[float, float]:
        """Width and height."""

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Draw with the upper left corner at (x, y)."""


@dataclass
class Block:
    """A titled grid of cells, perhaps with a frame (top, left, rows, columns) over it."""

    title: str
    cells: Sequence[Sequence[Cell]]
    about: str = ""
    frame: tuple[int, int, int, int] | None = None

    def size(self, unit: float) -> tuple[float, float]:
        """The grid and its heading, which wraps to the grid's width."""
        columns, rows = len(self.cells[0]), len(self.cells)
        width = max(columns * unit, 1.15)
        return width, rows * unit + self._heading(width)[1]

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Heading, cells, frame."""
        width, _ = self.size(unit)
        lines, heading = self._heading(width)
        for line, (text, weight, colour, points) in enumerate(lines):
            plain(axes, x, y + 0.1 + line * 0.2, text, points, colour, weight=weight, ha="left")
        self._draw_cells(axes, x, y + heading, unit)
        if self.frame is not None:
            top, left, rows, columns = self.frame
            corner = (x + left * unit - 0.02, y + heading + top * unit - 0.02)
            patch(
                axes, corner, columns * unit + 0.04, rows * unit + 0.04, unit,
                facecolor="none", edgecolor=ACCENT, linewidth=2.4, zorder=4,
            )  # fmt: skip

    def _heading(self, width: float) -> tuple[list[tuple[str, str, str, float]], float]:
        """Lines as (text, weight, colour, points), and their height."""
        letters = max(10, int(width / 0.098))
        lines = [(text, "bold", INK, 11.5) for text in textwrap.wrap(self.title, letters)]
        small = max(12, int(width / 0.078))
        lines += [(text, "normal", SOFT, 9.5) for text in textwrap.wrap(self.about, small)]
        return lines, 0.2 * len(lines) + (0.08 if lines else 0)

    def _draw_cells(self, axes: Axes, x: float, y: float, unit: float) -> None:
        points = self._points(unit)
        for r, row in enumerate(self.cells):
            for c, cell in enumerate(row):
                draw_cell(axes, cell, x + c * unit, y + r * unit, unit, points)

    def _points(self, unit: float) -> float:
        """One text size for the whole block: what its longest text needs."""
        plain_texts = [len(cell.text) for row in self.cells for cell in row if not cell.math]
        symbols = any(cell.math for row in self.cells for cell in row)
        longest = max([*plain_texts, 2])
        return min(unit * 72 * (0.24 if symbols else 0.36), unit * 72 * 0.86 / (0.62 * longest))


@dataclass
class Sign:
    """An operator or arrow between blocks, perhaps with a word under it."""

    text: str
    word: str = ""

    def size(self, unit: float) -> tuple[float, float]:
        """As wide as its word."""
        return max(0.3, 0.085 * len(self.word)), 0.7 if self.word else 0.5

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """Centred."""
        width, _ = self.size(unit)
        plain(axes, x + width / 2, y + 0.2, self.text, 20, SOFT)
        if self.word:
            plain(axes, x + width / 2, y + 0.55, self.word, 9.5, SOFT)


@dataclass
class Row:
    """Boxes beside each other, centred on one line."""

    boxes: Sequence[Box]
    gap: float = 0.22

    def size(self, unit: float) -> tuple[float, float]:
        """Sum of widths, greatest height."""
        sizes = [box.size(unit) for box in self.boxes]
        return sum(w for w, _ in sizes) + self.gap * (len(sizes) - 1), max(h for _, h in sizes)

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """From left to right."""
        height = self.size(unit)[1]
        for box in self.boxes:
            width, own = box.size(unit)
            box.draw(axes, x, y + (height - own) / 2, unit)
            x += width + self.gap


@dataclass
class Column:
    """Boxes below each other, from the left, or centred."""

    boxes: Sequence[Box]
    gap: float = 0.25
    centred: bool = False

    def size(self, unit: float) -> tuple[float, float]:
        """Greatest width, sum of heights."""
        sizes = [box.size(unit) for box in self.boxes]
        return max(w for w, _ in sizes), sum(h for _, h in sizes) + self.gap * (len(sizes) - 1)

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """From top to bottom."""
        width = self.size(unit)[0]
        for box in self.boxes:
            own, height = box.size(unit)
            box.draw(axes, x + ((width - own) / 2 if self.centred else 0), y, unit)
            y += height + self.gap


def fitting(boxes: Sequence[Box], width: float, height: float) -> tuple[Box, float]:
    """The first box that fits with cells of a comfortable size, and that size; else the last one.

    Raises UsageError below what can be read.
    """
    for box in boxes:
        unit = _fitting_unit(box, width, height)
        if unit >= COMFORTABLE or (box is boxes[-1] and unit >= SMALLEST):
            return box, unit
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


def draw_cell(axes: Axes, cell: Cell, x: float, y: float, unit: float, points: float) -> None:
    """One cell: ground by role, colour by pair, text, marks."""
    inset = 0.035 * unit
    ground: dict[str, Any] = {"facecolor": CELL, "edgecolor": "none", "linewidth": 0.8}
    if cell.pair is not None:
        colour = PAIRS[cell.pair % len(PAIRS)]
        ground = {"facecolor": mixed(colour, 0.34), "edgecolor": colour, "linewidth": 1.6}
    elif cell.role in ("gap", "pad", "rest"):
        style = {"gap": "solid", "pad": (0, (3, 2)), "rest": (0, (1, 2))}[cell.role]
        ground = {"facecolor": "none", "edgecolor": LINE, "linestyle": style, "linewidth": 0.8}
    elif cell.role in ("crop", "unreached"):
        ground = {"facecolor": "none", "edgecolor": LINE, "hatch": "////", "linewidth": 0.0}
    round_corners = 0.5 if cell.role == "gap" and cell.pair is None else 0.12
    patch(
        axes, (x + inset, y + inset), unit - 2 * inset, unit - 2 * inset, unit,
        rounding=round_corners, zorder=2, **ground,
    )  # fmt: skip
    if cell.here:
        patch(
            axes, (x + inset, y + inset), unit - 2 * inset, unit - 2 * inset, unit,
            facecolor="none", edgecolor=INK, linewidth=2.4, zorder=5,
        )  # fmt: skip
    if cell.dot:
        axes.plot([x + unit * 0.16], [y + unit * 0.16], "o", color=ACCENT, ms=unit * 7, zorder=6)
    if cell.tag:
        plain(axes, x + unit * 0.84, y + unit * 0.17, cell.tag, min(8.0, unit * 12), INK)
    quiet = cell.role != "value" and cell.pair is None
    colour, weight = (SOFT if quiet else INK), ("bold" if cell.here else "normal")
    if cell.text:
        write = math if cell.math else plain
        write(axes, x + unit / 2, y + unit / 2, cell.text, points, colour, weight=weight)


def patch(
    axes: Axes, corner: tuple[float, float], width: float, height: float, unit: float,
    *, rounding: float = 0.12, **style: Any,
) -> None:  # fmt: skip
    """A rounded rectangle."""
    from matplotlib.patches import FancyBboxPatch

    shape = f"round,pad=0,rounding_size={rounding * min(width, height, unit):.4f}"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **style))


def plain(
    axes: Axes, x: float, y: float, text: str, points: float, colour: str, **style: Any
) -> None:
    """Text as it is: a dollar sign is a dollar sign."""
    options: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 7} | style
    axes.text(x, y, text, fontsize=points, color=colour, parse_math=False, **options)


def math(
    axes: Axes, x: float, y: float, text: str, points: float, colour: str, **style: Any
) -> None:
    """LaTeX mathematics, set by matplotlib itself."""
    options: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 7} | style
    axes.text(x, y, f"${text}$", fontsize=points, color=colour, **options)


def mixed(colour: str, share: float) -> str:
    """A colour thinned with white."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02x}" for channel in channels)
