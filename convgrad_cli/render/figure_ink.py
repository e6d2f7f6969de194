"""What a figure is drawn with: colours, text and its width, cells, frames, arrows.

Sizes are inches, y grows downward; ``unit`` is the side of a cell.
"""

from __future__ import annotations

import warnings
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, LINE, CELL, ACCENT = "#17191d", "#565c66", "#c9ccd1", "#f1f2f4", "#0072b2"
PAIRS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#d9c700", "#7a7d84",
)  # fmt: skip
"""Okabe and Ito's colours, in the page's order: the partners of one product share one."""
TAGGED = 0.3
"""A cell below this size has no room for its term's number beside its own."""


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


def draw_cell(
    axes: Axes,
    cell: Cell,
    corner: tuple[float, float],
    side: tuple[float, float],
    points: float,
) -> None:
    """One cell of a width and a height: ground by role, colour by pair, text, marks."""
    (x, y), (width, unit) = corner, side
    inset = 0.035 * unit
    inner = (x + inset, y + inset), width - 2 * inset, unit - 2 * inset, unit
    round_corners = 0.5 if cell.role == "gap" and cell.pair is None else 0.12
    patch(axes, *inner, rounding=round_corners, zorder=2, **_ground(cell))
    if cell.here:
        patch(axes, *inner, facecolor="none", edgecolor=INK, linewidth=2.4, zorder=5)
    if cell.dot:
        axes.plot([x + unit * 0.16], [y + unit * 0.16], "o", color=ACCENT, ms=unit * 7, zorder=6)
    if cell.tag and unit >= TAGGED:
        small = min(8.5, unit * 13)
        plain(axes, x + width - unit * 0.17, y + unit * 0.18, cell.tag, small, INK)
    quiet = cell.role != "value" and cell.pair is None
    colour, weight = (SOFT if quiet else INK), ("bold" if cell.here else "normal")
    if cell.text:
        write = math if cell.math else plain
        write(axes, x + width / 2, y + unit / 2, cell.text, points, colour, weight=weight)


def _ground(cell: Cell) -> dict[str, Any]:
    """How the cell is filled and outlined."""
    if cell.pair is not None:
        colour = PAIRS[cell.pair % len(PAIRS)]
        return {"facecolor": mixed(colour, 0.34), "edgecolor": colour, "linewidth": 1.6}
    match cell.role:
        case "gap" | "pad" | "rest":
            style = {"gap": "solid", "pad": (0, (3, 2)), "rest": (0, (1, 2))}[cell.role]
            return {"facecolor": "none", "edgecolor": LINE, "linestyle": style, "linewidth": 0.8}
        case "crop" | "unreached":
            return {"facecolor": "none", "edgecolor": LINE, "hatch": "////", "linewidth": 0.0}
    return {"facecolor": CELL, "edgecolor": "none", "linewidth": 0.8}


def patch(
    axes: Axes, corner: tuple[float, float], width: float, height: float, unit: float,
    *, rounding: float = 0.12, **style: Any,
) -> None:  # fmt: skip
    """A rounded rectangle."""
    from matplotlib.patches import FancyBboxPatch

    shape = f"round,pad=0,rounding_size={rounding * min(width, height, unit):.4f}"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **style))


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A straight arrow."""
    from matplotlib.patches import FancyArrowPatch

    style = "-|>,head_length=5,head_width=2.6"
    shaft = FancyArrowPatch(
        start, end, arrowstyle=style, mutation_scale=1, shrinkA=0, shrinkB=0, color=SOFT,
        linewidth=1.5, zorder=3,
    )  # fmt: skip
    axes.add_patch(shaft)


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


def _font(*, bold: bool = False) -> Any:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else None)))


@lru_cache(maxsize=4096)
def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """How wide plain text is set, in inches."""
    font = _font(bold=bold)
    font.set_size(100, 72)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        font.set_text(text, 0)
    return float(font.get_width_height()[0] / 64 * points / 100 / 72)


def missing_letters(text: str) -> str:
    """The letters of a text that the figures' font does not have."""
    font = _font()
    return "".join(letter for letter in dict.fromkeys(text) if not font.get_char_index(ord(letter)))


@lru_cache(maxsize=1024)
def math_size(text: str) -> tuple[float, float]:
    """Width and height of LaTeX mathematics at one point, in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    found = MathTextParser("path").parse(f"${text}$", 72, FontProperties(size=100))
    return found.width / 100 / 72, found.height / 100 / 72


def wrapped(text: str, width: float, points: float, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than ``width``; a longer word stands alone and is cut nowhere."""
    lines: list[str] = []
    for word in text.split(" ") if text else []:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, points, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def cut(text: str, width: float, points: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits, and an ellipsis."""
    if text_width(text, points, bold=bold) <= width:
        return text

    def over(length: int) -> bool:
        return text_width(f"{text[:length]}…", points, bold=bold) > width

    return f"{text[: max(bisect_left(range(1, len(text)), True, key=over), 0)]}…"


def shown_text(text: str) -> str:
    """The user's text on one line, without what no picture can show (and no SVG may hold)."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def mixed(colour: str, share: float) -> str:
    """A colour thinned with white."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02x}" for channel in channels)
