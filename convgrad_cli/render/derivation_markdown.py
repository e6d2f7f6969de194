"""Markdown: tables of inline code, which every host renders as it stands.

Symbols are Unicode in code spans: mathematics in dollars would need a host that typesets it, and
underscores and asterisks outside of code would be read as emphasis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import (
    Formula,
    Heading,
    Math,
    Picture,
    Rows,
    Sentence,
)
from convgrad_cli.render.derivation_text import grid_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block, Side
    from convgrad_cli.render.derivation import Written

TITLES = {
    "window": "window",
    "chain": "chain rule",
    "local": "local gradients",
    "substituted": "substituted",
    "numbers": "numbers",
}
LINE = 48
"""Characters of a sum on one line of a cell."""


def write(
    written: Written, *, precision: int | None, width: int, color: bool, ascii_only: bool
) -> str:
    """The derivation as Markdown."""
    report = written.report("unicode", 6 if precision is None else precision)
    return "\n\n".join(part for block in report.blocks() for part in _block(block)) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(words, symbol):
            yield f"### {words}" + (f": {_code(symbol)}" if symbol else "")
        case Sentence(parts):
            yield "".join(_code(p.text) if isinstance(p, Math) else _escaped(p) for p in parts)
        case Formula(left, sides):
            lines = [f"{left} = {sides[0]}"]
            lines += [f"{' ' * len(left)} = {side}" for side in sides[1:]]
            yield _fenced(lines)
        case Picture(parts):
            yield _fenced(grid_lines(parts))
        case Rows():
            yield _table(block)
            if block.more:
                yield f"… and {block.more} more elements, `--all` shows them."


def _table(block: Rows) -> str:
    rows = list(block.rows)
    columns = [key for key in TITLES if any(key in row.sides for row in rows)]
    valued = any(row.value is not None for row in rows)
    heads = ["element", *(TITLES[key] for key in columns), *(["value"] if valued else [])]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [_code(row.left)]
        cells += [_cell(key, row.sides[key]) if key in row.sides else "" for key in columns]
        lines.append([*cells, *([_code(row.value or "")] if valued else [])])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(key: str, side: Side) -> str:
    lines = list(side.terms) if key == "local" else wrapped(side.terms, LINE)
    texts = [_code(line) for line in lines]
    if side.more:
        texts.append(f"… and {side.more} more terms, `--all` shows them")
    return "<br>".join(texts)


def wrapped(terms: Sequence[str], width: int) -> list[str]:
    """A sum in lines of at most ``width`` characters where that is possible, broken before the
    signs."""
    lines: list[str] = []
    for at, term in enumerate(terms):
        sign = "" if at == 0 else "- " if term.startswith("-") else "+ "
        piece = sign + (term[1:] if at and term.startswith("-") else term)
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines


def _code(text: str) -> str:
    """An inline code span. No symbol has a backtick, or a pipe that would end the cell."""
    return f"`{text}`" if text else ""


def _escaped(text: str) -> str:
    return text.replace("*", r"\*").replace("_", r"\_")


def _fenced(lines: Sequence[str]) -> str:
    return "\n".join(["```text", *lines, "```"])
