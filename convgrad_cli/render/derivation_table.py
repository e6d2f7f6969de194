"""Tables: how a derivation looks in a terminal.

    element │ chain rule            │ substituted     │ numbers │ value
    ∂L/∂F11 │   ∂L/∂O11·∂O11/∂F11   │   ∂L/∂O11·X11   │   1·1   │     2
            │ + ∂L/∂O12·∂O12/∂F11   │ + ∂L/∂O12·X12   │ + 2·5   │

Sums break before their signs. Columns stand side by side where the width allows, with as many
terms a line as fit; else one below the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.derivation.blocks import (
    Formula,
    Heading,
    Math,
    Picture,
    Rows,
    Sentence,
)
from convgrad_cli.derivation.equation import joined
from convgrad_cli.render.derivation_markdown import TITLES, wrapped
from convgrad_cli.render.derivation_pictures import picture_lines
from convgrad_cli.render.derivation_text import plain
from convgrad_cli.render.grid import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block, Row, Side
    from convgrad_cli.render.derivation import Written
    from convgrad_cli.render.grid import Line

NARROWEST = 40


class _Fit(NamedTuple):
    """Widths of a table's columns, and how many terms stand on a line."""

    widths: dict[str, int]
    terms: int


def write(
    written: Written, *, precision: int | None, width: int, color: bool, ascii_only: bool
) -> str:
    """The derivation as a terminal shows it."""
    from convgrad_cli.render.table import painted

    script = "ascii" if ascii_only else "unicode"
    report = written.report(script, 6 if precision is None else precision)
    layout = _Layout(max(width, NARROWEST), ascii_only)
    lines: list[Line] = []
    for block in report.blocks():
        lines += layout.block(block)
    if ascii_only:
        lines = [
            [Span(plain(text.replace("│", "|")), style) for text, style in line] for line in lines
        ]
    while lines and not lines[-1]:
        lines.pop()
    return painted(lines, color=color)


class _Layout:
    """Lines of a given width."""

    def __init__(self, width: int, ascii_only: bool) -> None:
        self.width = width
        self.bar = " | " if ascii_only else " │ "
        self.rule, self.cross = ("-", "-+-") if ascii_only else ("─", "─┼─")

    def block(self, block: Block) -> Iterator[Line]:
        """A block and the empty line after it."""
        match block:
            case Heading(words, symbol):
                spans = [Span(f"{words}: ", "title"), Span(symbol, "name")]
                yield spans if symbol else [Span(words, "title")]
                yield []
            case Sentence():
                yield from self._sentence(block)
                yield []
            case Formula(left, sides):
                yield from self._formula(left, sides)
                yield []
            case Picture(parts):
                yield from picture_lines(parts, self.width)
                yield []
            case Rows():
                yield from self._rows(block)

    def _sentence(self, sentence: Sentence) -> Iterator[Line]:
        """Words broken at blanks."""
        words = "".join(p.text if isinstance(p, Math) else p for p in sentence.parts).split(" ")
        line = ""
        for word in words:
            if line and len(line) + 1 + len(word) > self.width:
                yield [Span(line)]
                line = word
            else:
                line = f"{line} {word}" if line else word
        yield [Span(line)]

    def _formula(self, left: str, sides: Sequence[str]) -> Iterator[Line]:
        """General formulas under each other, broken before a factor where they are too wide."""
        margin = " " * len(left)
        for at, side in enumerate(sides):
            first, *rest = _broken(side, max(self.width - len(left) - 3, NARROWEST // 2))
            yield [Span(margin if at else left, "name"), Span(f" = {first}")]
            for line in rest:
                yield [Span(f"{margin}     {line}")]

    def _rows(self, block: Rows) -> Iterator[Line]:
        rows = list(block.rows)
        columns = [key for key in TITLES if any(key in row.sides for row in rows)]
        if "local" in columns and (len(columns) == 1 or self._fit(rows, columns) is None):
            yield from self._packed(rows)
            columns.remove("local")
        fit = self._fit(rows, columns)
        if columns and fit is not None:
            yield from self._table(rows, columns, fit)
        elif columns:
            yield from self._stacked(rows, columns)
        if block.more:
            yield [Span(f"… and {block.more} more elements, --all shows them", "faint")]
            yield []

    def _packed(self, rows: Sequence[Row]) -> Iterator[Line]:
        """Local gradients, each element's on lines of its own, as many to a line as fit."""
        longest = max((len(text) for row in rows for text in row.sides["local"].terms), default=0)
        for row in rows:
            side = row.sides["local"]
            count = max(1, (self.width + 3) // (longest + 3))
            for start in range(0, len(side.terms), count):
                texts = [text.ljust(longest) for text in side.terms[start : start + count]]
                yield [Span("   ".join(texts).rstrip())]
            if side.more:
                yield [Span(_left_out(side.more), "faint")]
        yield []

    def _fit(self, rows: Sequence[Row], columns: Sequence[str]) -> _Fit | None:
        """Widths with which all columns stand side by side, with as many terms on a line as there
        is room for; None where there is no room for one."""
        fixed = {
            "element": max((len(row.left) for row in rows), default=0),
            "value": max((len(row.value or "") for row in rows), default=0),
        }
        fixed = {key: max(size, len(key)) for key, size in fixed.items() if size}
        room = self.width - sum(fixed.values()) - 3 * (len(fixed) + len(columns) - 1)
        best = None
        for terms in range(1, 9):
            needed = {
                key: max(
                    len(TITLES[key]),
                    *(len(line) for row in rows for line in _lines(row.sides.get(key), key, terms)),
                )
                for key in columns
            }
            if sum(needed.values()) > room:
                break
            best = _Fit(fixed | needed, terms)
            if "local" in columns:
                break
        return best

    def _table(self, rows: Sequence[Row], columns: Sequence[str], fit: _Fit) -> Iterator[Line]:
        widths = fit.widths
        order = ["element", *columns, *(["value"] if "value" in widths else [])]
        heads = [TITLES.get(key, key).ljust(widths[key]) for key in order]
        yield [Span(self.bar.join(heads).rstrip(), "faint")]
        yield [Span(self.cross.join(self.rule * widths[key] for key in order), "faint")]
        for row in rows:
            cells = {key: _lines(row.sides.get(key), key, fit.terms) for key in columns}
            cells |= {"element": [row.left], "value": [row.value or ""]}
            for at in range(max(len(lines) for lines in cells.values())):
                yield self._line(order, [_at(cells[key], at) for key in order], widths)
        yield []

    def _line(self, order: Sequence[str], texts: Sequence[str], widths: dict[str, int]) -> Line:
        line: Line = []
        for key, text in zip(order, texts, strict=True):
            fill = text.rjust if key == "value" else text.ljust
            style = {"element": "name", "value": "good"}.get(key, "")
            line += [Span(self.bar, "faint")] if line else []
            line.append(Span(fill(widths[key]), style))
        return line

    def _stacked(self, rows: Sequence[Row], columns: Sequence[str]) -> Iterator[Line]:
        """Each element's right sides one below the other, broken before their signs."""
        for row in rows:
            margin = " " * min(len(row.left), self.width // 3)
            if len(row.left) > len(margin):
                yield [Span(row.left, "name")]
            for at, key in enumerate(key for key in columns if key in row.sides):
                lines = wrapped(row.sides[key].terms, self.width - len(margin) - 3)
                if row.sides[key].more:
                    lines.append(_left_out(row.sides[key].more))
                first = row.left if not at and len(row.left) == len(margin) else margin
                yield [Span(first, "name"), Span(f" = {lines[0]}")]
                for line in lines[1:]:
                    yield [
                        Span(
                            f"{margin} {line}" if line[:2] in ("+ ", "- ") else f"{margin}   {line}"
                        )
                    ]
            if row.value is not None:
                yield [Span(margin), Span(f" = {row.value}", "good")]
            yield []


def _broken(text: str, width: int) -> list[str]:
    """A formula in lines, broken at blanks and before product signs."""
    lines: list[str] = []
    for piece in re.split(r"(?= )|(?=[·*])", text):
        if lines and len(lines[-1]) + len(piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip())
    return lines


def _lines(side: Side | None, key: str, count: int) -> list[str]:
    """A cell's lines: so many terms on each, signs in front, so that columns correspond."""
    if side is None:
        return []
    if key in ("local", "window"):
        return [*side.terms, *_cut(side.more)]
    lines = []
    for start in range(0, len(side.terms), count):
        line = joined(list(side.terms[start : start + count]))
        negative = start and line.startswith("-")
        lines.append(f"- {line[1:]}" if negative else f"{'+ ' if start else '  '}{line}")
    return [*lines, *_cut(side.more)]


def _cut(more: int) -> list[str]:
    return [f"… and {more} more", "terms, --all", "shows them"] if more else []


def _left_out(more: int) -> str:
    return f"… and {more} more terms, --all shows them"


def _at(lines: Sequence[str], at: int) -> str:
    return lines[at] if at < len(lines) else ""
