"""The text of a checked derivation: each equation's verdict, and a caret under what is wrong."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_report import RIGHT, UNCHECKED
from convgrad_cli.errors import UsageError
from convgrad_cli.render.plain_text import plain_ascii

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.equations_report import EquationReport, EquationsReport, Problem
    from convgrad_cli.check.equations_text import Span as Place
    from convgrad_cli.render.grid import Span

MANY = 30
"""Equations beyond which the short text leaves out those that are right."""
SHOWN = 6
"""Problems of one equation in the short text."""
PIPE_WIDTH = 200
INDENT = 4


def equations_output(
    report: EquationsReport,
    format: str,
    *,
    long: bool = False,
    width: int = 80,
    color: bool = False,
    ascii_only: bool = False,
) -> str | bytes:
    """The report as JSON bytes or as text; a table is the text fitted to the terminal, in colour.

    Raises UsageError for the formats a check has no form in.
    """
    if format == "json":
        from convgrad_cli.render.check_json import check_json

        return check_json(report)
    if format not in ("table", "text"):
        raise UsageError(f"A check cannot be written as {format}.", expected="table, text or json")
    terminal = format == "table"
    page = Page(report, width if terminal else PIPE_WIDTH, long=long, ascii_only=ascii_only)
    from convgrad_cli.render.table import painted

    return painted(list(page.lines(wrap=terminal)), color=terminal and color)


class Excerpt(NamedTuple):
    """A piece of a source line, and where the carets go under it."""

    text: str
    before: int
    under: int


class Page:
    """The text of one report."""

    def __init__(
        self, report: EquationsReport, width: int, *, long: bool, ascii_only: bool
    ) -> None:
        self.report = report
        self.width = max(width, 40)
        self.long = long
        self.ascii_only = ascii_only

    def lines(self, *, wrap: bool) -> Iterator[list[Span]]:
        """Every line."""
        every = self.long or len(self.report.equations) <= MANY
        for equation in self.report.equations:
            if every or equation.verdict not in (RIGHT, UNCHECKED):
                yield from self._equation(equation, wrap=wrap)
        for text, style in self._summary():
            yield from self._wrapped(text, style, 0, wrap=wrap)

    def _equation(self, equation: EquationReport, *, wrap: bool) -> Iterator[list[Span]]:
        from convgrad_cli.render.grid import Span

        style = {RIGHT: "good", UNCHECKED: "faint"}.get(equation.verdict, "bad")
        verdict = equation.verdict.replace("_", " ")
        label = f"line {equation.line}  {verdict}"
        yield [Span(label, style), Span(f"  {self._plain(equation.subject)}")]
        shown = equation.problems if self.long else equation.problems[:SHOWN]
        echoed: Excerpt | None = None
        for problem in shown:
            excerpt = self._excerpt(problem.span)
            if echoed is None or excerpt.text != echoed.text:
                yield [Span(" " * INDENT + excerpt.text)]
            if excerpt != echoed:
                yield [Span(" " * (INDENT + excerpt.before)), Span("^" * excerpt.under, "bad")]
            echoed = excerpt
            yield from self._wrapped(_told(problem), "", INDENT, wrap=wrap)
        if len(shown) < len(equation.problems):
            more = f"… and {len(equation.problems) - len(shown)} more problems (--long)"
            yield from self._wrapped(more, "faint", INDENT, wrap=wrap)
        for note in equation.notes:
            yield from self._wrapped(f"note: {note}", "faint", INDENT, wrap=wrap)
        several = len(equation.problems) > 1 or self.long
        if equation.right and several and equation.verdict not in (RIGHT, UNCHECKED):
            yield from self._wrapped(f"right: {equation.right}", "", INDENT, wrap=wrap)

    def _summary(self) -> Iterator[tuple[str, str]]:
        report = self.report
        count = len(report.equations)
        kinds = ("right", "wrong", "unreadable", "not_checked")
        counts = [f"{n} {kind.replace('_', ' ')}" for kind in kinds if (n := report.count(kind))]
        style = "good" if report.verdict == RIGHT else "bad"
        yield f"{count} equation{'s' if count != 1 else ''}: {', '.join(counts)}", style
        covered = [
            f"{target} {c.written} of {c.total}"
            for target, c in report.coverage.items()
            if c.written
        ]
        if covered:
            yield f"elements covered: {', '.join(covered)}", "faint"
        for note in report.notes:
            yield f"note: {note}", "faint"

    def _excerpt(self, place: Place) -> Excerpt:
        """The source line, or the part of it around the place, as wide as there is room."""
        source = self.report.source
        line = source[place.line - 1] if place.line <= len(source) else ""
        start, end = place.column - 1, max(place.end - 1, place.column)
        room = self.width - INDENT - 4
        first, last = 0, len(line)
        if len(line) > room or not line.isascii():
            first, last = _window(line, start, room)
        mark = "..." if self.ascii_only else "…"
        head, tail = (mark if first else ""), (mark if last < len(line) else "")
        before = _cells(self._echo(head + line[first:start]))
        under = _cells(self._echo(line[start : min(end, last)])) or 1
        return Excerpt(self._echo(head + line[first:last] + tail), before, max(under, 1))

    def _echo(self, text: str) -> str:
        """The user's text, safe for a terminal and, letter by letter, for its character set."""
        safe = "".join(
            letter if letter.isprintable() else " " if letter == "\t" else "?" for letter in text
        )
        if not self.ascii_only:
            return safe
        return "".join(
            letter
            if letter.isascii()
            else plain
            if len(plain := plain_ascii(letter)) == 1 and plain.isascii()
            else "?"
            for letter in safe
        )

    def _plain(self, text: str) -> str:
        if not self.ascii_only:
            return text
        return plain_ascii(text).encode("ascii", "replace").decode()

    def _wrapped(self, text: str, style: str, indent: int, *, wrap: bool) -> Iterator[list[Span]]:
        from convgrad_cli.render.grid import Span

        plain = self._plain(text)
        rows = textwrap.wrap(
            plain,
            max(self.width - indent, 20),
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for row in rows if wrap else [plain]:
            yield [Span(" " * indent + row, style)]


def _told(problem: Problem) -> str:
    return f"{problem.kind.replace('_', ' ')}: {problem.text}"


def _window(line: str, start: int, room: int) -> tuple[int, int]:
    """A part of the line of at most ``room`` cells around the place ``start``."""
    if _cells(line) <= room:
        return 0, len(line)
    first = max(0, min(start - room // 2, len(line) - room + 2))
    while _cells(line[first:start]) > room - 3:
        first += 1
    last = first
    used = 2
    while last < len(line) and used + _cell(line[last]) <= room:
        used += _cell(line[last])
        last += 1
    return first, max(last, min(start + 1, len(line)))


def _cells(text: str) -> int:
    return sum(map(_cell, text))


def _cell(letter: str) -> int:
    """How many columns of a terminal a letter takes."""
    if letter.isascii():
        return 1
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
