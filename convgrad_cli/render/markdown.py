"""Markdown: headings and pipe tables, which every host renders; the numbers stand right-aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.render import words
from convgrad_cli.render.numbers import display_tokens
from convgrad_cli.render.planes import (
    in_part,
    planes,
    planes_left_out,
    sections,
    shown_values,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.render.planes import Plane, Section
    from convgrad_cli.render.result import Display, Result

WHOLE_UP_TO: Final = 10_000
"""Numbers of an array that are printed whole; of a larger one, the edges."""


def markdown_output(result: Result, display: Display) -> str:
    """The result as Markdown, ending in a newline."""
    parts = [f"## {words.title(result)}"]
    if facts := words.facts(result, ascii_only=display.ascii_only):
        parts.append(", ".join(facts))
    for section in sections(result):
        parts += _tables(result, section, display)
    if result.verify is not None:
        parts.append(words.verify_words(result.verify, display))
    return "\n\n".join(parts) + "\n"


def _tables(result: Result, section: Section, display: Display) -> list[str]:
    array = section.array
    across, _ = _gaps(display)
    parts = [f"### {section.title} {array.shape} {array.dtype}"]
    shown = planes(result, section, limit=WHOLE_UP_TO, top=display.top)
    tokens = iter(display_tokens(shown_values(shown), display.precision))
    if in_part(shown):
        parts.append(words.summary_words(summary(array), display))
    for plane in shown:
        if plane is None:
            parts.append(f"{across} {planes_left_out(shown, array)} more {across}")
            continue
        if plane.index:
            parts.append(f"**{plane.label(section.title)}**")
        parts.append(_table(plane, tokens, display))
    return parts


def _table(plane: Plane, tokens: Iterator[str], display: Display) -> str:
    """One plane; takes as many tokens as it shows numbers."""
    across, down = _gaps(display)
    heads = [across if at is None else str(at) for at in plane.columns]
    lines = [["", *heads], ["---:"] * (len(heads) + 1)]
    for at in plane.rows or ("",):
        if at is None:
            lines.append([down] * (len(heads) + 1))
        else:
            cells = [across if column is None else next(tokens) for column in plane.columns]
            lines.append([f"**{at}**" if plane.rows else "", *cells])
    return _padded(lines)


def _gaps(display: Display) -> tuple[str, str]:
    """What stands for columns and for rows that are left out."""
    return ("...", "...") if display.ascii_only else ("…", "⋮")


def _padded(lines: Sequence[Sequence[str]]) -> str:
    """Columns of one width, so that the source reads as a table too."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.rjust(wide) for cell, wide in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
