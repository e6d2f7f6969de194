"""Lines of a check's text: printed plain in a pipe, wrapped and styled in a terminal."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.render.plain_text import plain_ascii

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.render.grid import Span

LEAST_WIDTH = 40


class Line(NamedTuple):
    """One statement: its indent, where its further lines begin, and a styled start."""

    indent: int
    hang: int
    text: str
    style: str = ""
    styled: int = 0  # so many characters have the style; 0: all of them


class Lines:
    """A text under construction."""

    def __init__(self, precision: int | None = None) -> None:
        self.precision = precision
        self._lines: list[Line | None] = []

    def add(self, indent: int, text: str, style: str = "") -> None:
        """A statement."""
        self._lines.append(Line(indent, indent + 2, text, style))

    def labelled(self, indent: int, label: str, text: str) -> None:
        """A statement behind a label; further lines begin under the statement."""
        hang = indent + len(label) + 2
        self._lines.append(Line(indent, hang, f"{label}  {text}", "name", len(label)))

    def verdict(self, indent: int, name: str, verdict: str, style: str, text: str) -> None:
        """An array's first line: ``dX  wrong  3 of 9 elements differ``."""
        label = f"{name:<2}  {verdict:<5}"
        self._lines.append(
            Line(indent, indent + len(label) + 2, f"{label}  {text}", style, len(label))
        )

    def blank(self, *, when: bool = True) -> None:
        """An empty line."""
        if when:
            self._lines.append(None)

    def plain(self) -> str:
        """One statement a line, whatever its length: for pipes and files."""
        texts = ("" if line is None else " " * line.indent + line.text for line in self._lines)
        return "\n".join(texts) + "\n"

    def styled(self, *, width: int, color: bool, ascii_only: bool) -> str:
        """Wrapped to ``width``; in colour where asked for."""
        from convgrad_cli.render.table import painted

        spans: list[list[Span]] = []
        for line in self._lines:
            spans += [[]] if line is None else _wrapped(line, width, ascii_only=ascii_only)
        return painted(spans, color=color)


def _wrapped(line: Line, width: int, *, ascii_only: bool) -> list[list[Span]]:
    from convgrad_cli.render.grid import Span

    text = plain_ascii(line.text) if ascii_only else line.text
    lead, hang = " " * line.indent, " " * line.hang
    room = max(width, line.hang + LEAST_WIDTH)
    rows = textwrap.wrap(
        text,
        room,
        initial_indent=lead,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if not line.styled:
        return [[Span(row, line.style)] for row in rows]
    cut = line.indent + line.styled
    first = [Span(rows[0][: line.indent]), Span(rows[0][line.indent : cut], line.style)]
    return [[*first, Span(rows[0][cut:])], *([Span(row)] for row in rows[1:])]


def shape_text(shape: Sequence[int]) -> str:
    """``(2, 3)``; a number alone is said so."""
    return str(tuple(shape)) if len(shape) else "a single number"


def value_text(value: float | int | None, digits: int) -> str:
    """A number for the eye."""
    if value is None:
        return "nothing"
    if isinstance(value, int) or (
        math.isfinite(value) and value.is_integer() and abs(value) < 1e15
    ):
        return str(int(value))
    return f"{value:.{digits}g}"
