"""Text: one equation a line, for pipes, files and ``convgrad check equations``.

Every line that is no equation starts with ``#``: titles, general formulas, matrices, notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import (
    Formula,
    Grid,
    Heading,
    Math,
    Picture,
    Rows,
    Sentence,
)
from convgrad_cli.derivation.equation import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.blocks import Block, Row
    from convgrad_cli.render.derivation import Written


def write(
    written: Written, *, precision: int | None, width: int, color: bool, ascii_only: bool
) -> str:
    """The derivation, whole."""
    return "".join(lines(written, precision=precision, ascii_only=ascii_only))


def lines(written: Written, *, precision: int | None, ascii_only: bool) -> Iterator[str]:
    """The lines, each with its end, one after the other, so that nothing large is held."""
    script = "ascii" if ascii_only else "unicode"
    report = written.report(script, precision, capped=False)
    first = True
    for block in report.blocks():
        if isinstance(block, Heading) and not first:
            yield "\n"
        first = False
        for line in _block(block):
            yield (plain(line) if ascii_only else line) + "\n"


def plain(text: str) -> str:
    """Words in ASCII."""
    for mark, ascii_mark in (("−", "-"), ("×", "x"), ("°", ""), ("…", "..."), ("′", "'")):
        text = text.replace(mark, ascii_mark)
    return text.encode("ascii", "replace").decode()


def words_of(sentence: Sentence) -> str:
    """A sentence with its symbols as they are."""
    return "".join(part.text if isinstance(part, Math) else part for part in sentence.parts)


def grid_lines(parts: tuple[str | Grid, ...]) -> list[str]:
    """Matrices side by side with text between them; marked cells in square brackets."""
    drawn = [part if isinstance(part, str) else _boxed(part) for part in parts]
    height = max((len(part) for part in drawn if isinstance(part, list)), default=1)
    found = []
    for row in range(height):
        line = ""
        for part in drawn:
            if isinstance(part, str):
                line += part if row == (height - 1) // 2 else " " * len(part)
            else:
                line += part[row] if row < len(part) else " " * len(part[0])
        found.append(line.rstrip())
    return found


def units(parts: tuple[str | Grid, ...]) -> list[list[str | Grid]]:
    """A picture's parts in pieces that stay together: text and the matrix after it."""
    found: list[list[str | Grid]] = []
    for part in parts:
        if (isinstance(part, str) and part.strip() != ";") or not found:
            found.append([part])
        else:
            found[-1].append(part)
    return found


def _boxed(grid: Grid) -> list[str]:
    cells = [
        [f"[{cell}]" if (r, c) in grid.marked else cell for c, cell in enumerate(row)]
        for r, row in enumerate(grid.cells)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "| " + "  ".join(cell.rjust(wide) for cell, wide in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(words, symbol):
            yield f"# {words}: {symbol}" if symbol else f"# {words}"
        case Sentence():
            yield f"# {words_of(block)}"
        case Formula(left, sides):
            yield f"# {' = '.join((left, *sides))}"
        case Picture(parts):
            yield from (f"# {line}".rstrip() for line in grid_lines(parts))
        case Rows():
            for row in block.rows:
                yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    for step, side in row.sides.items():
        if step == "local":
            yield from side.terms
        elif step == "numbers":
            yield f"{row.left} = {joined(list(side.terms))}" + (
                f" = {row.value}" if [row.value] != list(side.terms) else ""
            )
        else:
            yield f"{row.left} = {joined(list(side.terms))}"
