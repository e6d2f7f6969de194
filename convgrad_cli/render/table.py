"""The table: how a result looks in a terminal.

A heading in words, then every array as labelled grids with their row and column numbers, decimal
points under each other, side by side where the width allows. Large arrays show their edges, range
and norm. In colour, blue is positive and orange negative (told apart by every kind of sight), and
small, middling and large numbers are pale, plain and bold; zeros are dim.

Grids are lines of styled spans, and rich turns the styles into what the terminal can do. Its own
tables and consoles are left alone: they take three times as long to load, cannot align on decimal
points, and read ``[n=0]`` as markup.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.color import ColorSystem
from rich.style import Style

from convgrad_cli.render import words
from convgrad_cli.render.grid import (
    ASCII,
    UNICODE,
    Glyphs,
    Grid,
    Line,
    Span,
    cell_styles,
    draw,
    side_by_side,
)
from convgrad_cli.render.numbers import aligned, display_tokens
from convgrad_cli.render.planes import (
    in_part,
    planes,
    planes_left_out,
    sections,
    shown_values,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.render.planes import Plane, Section
    from convgrad_cli.render.result import Array, Display, Result

WHOLE_UP_TO: Final = 1000
"""Numbers of an array that are shown whole; of a larger one, the edges."""

STYLES: Final = {
    "title": "bold",
    "name": "bold",
    "faint": "dim",
    "marked": "bold color(33)",
    "good": "bold color(33)",
    "bad": "bold color(166)",
    "positive small": "color(68)",
    "positive middling": "color(33)",
    "positive large": "bold color(33)",
    "negative small": "color(136)",
    "negative middling": "color(166)",
    "negative large": "bold color(166)",
}
"""Mid-tones of the 256-colour cube: contrast above 3 on white and above 5 on black. With 16 colours
they become bright blue and yellow."""


def table_output(result: Result, display: Display) -> str:
    """The result as a terminal shows it, ending in a newline."""
    glyphs = ASCII if display.ascii_only else UNICODE
    paragraphs = [_heading(result, display, glyphs)]
    alone: list[Grid] = []  # consecutive arrays of one grid each stand side by side
    for section in sections(result):
        heading, grids = _drawn(result, section, display, glyphs)
        if not heading:
            alone += grids
            continue
        paragraphs += side_by_side(alone, display.width)
        first, *rest = side_by_side(grids, display.width)
        paragraphs += [[*heading, *first], *rest]
        alone = []
    paragraphs += side_by_side(alone, display.width)
    if result.verify is not None:
        style = "good" if result.verify.get("passed") else "bad"
        paragraphs.append([[Span(words.verify_words(result.verify, display), style)]])
    lines = [line for paragraph in paragraphs for line in [*paragraph, []]]
    return painted(lines[:-1], color=display.color)


def painted(lines: Sequence[Line], *, color: bool) -> str:
    """The lines as text; with ``color`` in the escape codes that suit the terminal at hand."""
    bare = [_without_trailing_space(line) for line in lines]
    if not color:
        return "".join("".join(text for text, _ in line) + "\n" for line in bare)
    system = _color_system()
    # A style keeps the codes of the first terminal it was rendered for, and parse() its styles.
    styles = {name: Style.parse(words).copy() for name, words in STYLES.items()}

    def ink(span: Span) -> str:
        style = styles.get(span.style)
        return style.render(span.text, color_system=system) if style else span.text

    return "".join("".join(map(ink, line)) + "\n" for line in bare)


def _color_system() -> ColorSystem:
    """What the terminal says it can do, as ``rich.console`` would find it."""
    rich_colors = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    many = rich_colors or os.environ.get("TERM", "").endswith(("256color", "kitty"))
    return ColorSystem.EIGHT_BIT if many else ColorSystem.STANDARD


def _without_trailing_space(line: Line) -> Line:
    kept = list(line)
    while kept and not (text := kept[-1].text.rstrip()):
        kept.pop()
    return [*kept[:-1], Span(text, kept[-1].style)] if kept else kept


def _heading(result: Result, display: Display, glyphs: Glyphs) -> Grid:
    """What was computed, then the geometry and the shapes, broken to the width."""
    lines: Grid = [[Span(words.title(result), "title")]]
    text = ""
    for fact in words.facts(result, ascii_only=display.ascii_only):
        longer = text + glyphs.separator + fact if text else fact
        if text and len(longer) > display.width:
            lines.append([Span(text, "faint")])
            longer = fact
        text = longer
    return [*lines, [Span(text, "faint")]] if text else lines


def _drawn(
    result: Result, section: Section, display: Display, glyphs: Glyphs
) -> tuple[Grid, list[Grid]]:
    """An array's heading and its grids; no heading where it is one grid that bears it itself."""
    array = section.array
    shown = planes(result, section, limit=WHOLE_UP_TO, top=display.top)
    values = shown_values(shown)
    tokens = aligned(display_tokens(values, display.precision))
    # A switch is a place and no amount: it has no sign and no size to show.
    styles = [""] * len(tokens) if section.name == "switches" else cell_styles(values)
    cells = iter(list(map(Span, tokens, styles)))
    head = [Span(section.title, "name"), Span(f"  {array.shape} {array.dtype}", "faint")]
    alone = len(shown) == 1 and not in_part(shown)
    left_out = f"{glyphs.across} {planes_left_out(shown, array)} more {glyphs.across}"
    grids: list[Grid] = []
    for plane in shown:
        if plane is None:
            grids.append([[Span(left_out, "faint")]])
            continue
        label = [Span(plane.label(section.title), "name")] if plane.index else []
        own = list(islice(cells, plane.shown().size))
        grids += draw(plane, own, head if alone else label, display.width, glyphs)
    return ([] if alone else [head, *_notice(array, shown, display)]), grids


def _notice(array: Array, shown: Sequence[Plane | None], display: Display) -> Grid:
    """Range and norm of an array of which something is left out, and where to get the rest."""
    if not in_part(shown):
        return []
    return [[Span(words.summary_words(summary(array), display), "faint")]]
