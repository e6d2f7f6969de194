"""LaTeX: ``align*`` per element, broken before plus signs, for any document with amsmath.

With ``standalone`` the whole document is printed, ready for pdflatex.
"""

from __future__ import annotations

import re
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
from convgrad_cli.render.derivation_text import units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block, Row, Side
    from convgrad_cli.render.derivation import Written

LINE = 72
"""Characters of mathematics that fit a line of an ordinary document."""

_SIZES = ((LINE, r"\small"), (LINE * 6 // 5, r"\footnotesize"), (LINE * 4 // 3, r"\scriptsize"))
DISPLAY = 40
"""Lines of one display."""

_PREAMBLE = """\\documentclass{article}
\\usepackage[T1]{fontenc}
\\usepackage{amsmath}
\\usepackage[margin=25mm]{geometry}
\\setcounter{MaxMatrixCols}{40}
\\setlength{\\parindent}{0pt}
\\allowdisplaybreaks
\\begin{document}
"""
_SPECIAL = {"%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "−": "$-$", "×": r"$\times$",
            "°": r"$^\circ$", "…": r"\dots{}", "{": r"\{", "}": r"\}", "$": r"\$", "^": r"\^{}",
            "\\": r"\textbackslash{}", "~": r"\~{}"}  # fmt: skip


def write(
    written: Written, *, precision: int | None, width: int, color: bool, ascii_only: bool
) -> str:
    """The derivation as LaTeX."""
    report = written.report("latex", 6 if precision is None else precision)
    body = "\n".join(part for block in report.blocks() for part in _block(block))
    if not written.standalone:
        return body + "\n"
    return f"{_PREAMBLE}{body}\n\\end{{document}}\n"


def visual_length(text: str) -> int:
    """About how many characters wide a formula is set: a fraction as its wider half, commands as
    one, braces and subscripts' marks as nothing."""
    text = re.sub(r"\\(?:mathrm|operatorname|text)\{([^{}]*)\}", r"\1", text)
    while True:
        shorter = re.sub(r"\{([^{}\\]|\\(?!frac)[A-Za-z]+ ?)*\}", _without_braces, text)
        fraction = re.search(r"\\frac<([^<>]*)><([^<>]*)>", shorter)
        if fraction:
            wider = max(fraction[1], fraction[2], key=_length)
            shorter = shorter[: fraction.start()] + wider + shorter[fraction.end() :]
        if shorter == text:
            return _length(text)
        text = shorter


def broken(terms: Sequence[str], line: int = LINE) -> list[str]:
    """The terms of a sum in lines that fit, signs between them."""
    rows: list[list[str]] = [[]]
    used = -3
    for term in terms:
        wide = visual_length(term) + 3
        if rows[-1] and used + wide > line:
            rows.append([])
            used = 2
        rows[-1].append(term)
        used += wide
    return [" + ".join(row).replace("+ -", "- ") for row in rows]


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(words, symbol):
            shown = f": $\\displaystyle {symbol}$" if symbol else ""
            yield f"\\medskip\\noindent\\textbf{{{_escaped(words)}}}{shown}\n"
        case Sentence(parts):
            yield (
                "\\noindent "
                + "".join(
                    f"${part.text}$" if isinstance(part, Math) else _escaped(part) for part in parts
                )
                + "\n"
            )
        case Formula(left, sides):
            yield _align([f"{left} &= {sides[0]}", *(f"&= {side}" for side in sides[1:])])
        case Picture(parts):
            yield _picture(parts)
        case Rows():
            yield "{\\allowdisplaybreaks\n" + "".join(_rows(block)) + "}\n"
            if block.more:
                more = f"and {block.more} more elements, \\texttt{{--all}} shows them."
                yield f"\\noindent \\dots{{}} {more}\n"


def _rows(block: Rows) -> Iterator[str]:
    """The elements in displays of a page's length at most; their local gradients before them."""
    rows = list(block.rows)
    yield from _displays([_local(row.sides["local"]) for row in rows if "local" in row.sides])
    yield from _displays([lines for row in rows if (lines := _row(row))])


def _displays(groups: Sequence[list[str]]) -> Iterator[str]:
    """Groups of aligned lines, a little apart, in as few displays as a page allows."""
    lines: list[str] = []
    for group in groups:
        if lines and len(lines) + len(group) > DISPLAY:
            yield _align(lines)
            lines = []
        if lines:
            lines[-1] += " \\\\[1ex]"
        lines += group
    if lines:
        yield _align(lines)


def _row(row: Row) -> list[str]:
    """One element: its left side, then its right sides under each other."""
    lines: list[str] = []
    room = LINE - visual_length(row.left) - 3
    for step, side in row.sides.items():
        if step == "local":
            continue
        rows = _with_more(broken(side.terms, room), side)
        lines.append(f"{'&' if lines else f'{row.left} &'}= {rows[0]}")
        signs = ["" if text.startswith("-") else "+ " for text in rows[1:]]
        lines += [f"&\\quad {sign}{text}" for sign, text in zip(signs, rows[1:], strict=True)]
    if row.value is None or (lines and lines[-1].endswith(f"= {row.value}")):
        return lines
    if lines and visual_length(lines[-1].partition("=")[2]) + len(row.value) + 3 <= room:
        lines[-1] += f" = {row.value}"
    else:
        lines.append(f"{'&' if lines else f'{row.left} &'}= {row.value}")
    return lines


def _local(side: Side) -> list[str]:
    lines: list[str] = []
    used = LINE
    for text in side.terms:
        wide = visual_length(text) + 5
        if used + wide > LINE:
            lines.append(f"& {text}")
            used = wide
        else:
            lines[-1] += f", \\quad {text}"
            used += wide
    if side.more:
        lines.append(f"& \\ldots \\text{{ and {side.more} more}}")
    return lines


def _with_more(rows: list[str], side: Side) -> list[str]:
    if side.more:
        rows = [
            *rows,
            f"\\cdots \\text{{ and {side.more} more terms, \\texttt{{--all}} shows them}}",
        ]
    return rows


def _picture(parts: tuple[str | Grid, ...]) -> str:
    """Matrices in a line, broken before a sign where they are wide."""
    lines: list[str] = []
    used = 0
    pieces = [(unit, _unit_width(unit)) for unit in units(parts)]
    widest = max(wide for _, wide in pieces)
    size = next((size for limit, size in _SIZES if widest <= limit), r"\tiny")
    for unit, wide in pieces:
        text = "".join(part if isinstance(part, str) else _matrix(part) for part in unit)
        text = text.replace(",  ", r",\quad ")
        if not lines:
            lines.append(text.replace(" = ", " &= ", 1))
        elif used + wide > LINE:
            equals = text.startswith(" = ")
            lines.append(f"&{text[1:]}" if equals else f"&\\quad {text}")
            used = 0
        else:
            lines[-1] += text
        used += wide
    return f"{{{size}\\setlength{{\\arraycolsep}}{{3pt}}\n{_align(lines)}}}\n"


def _unit_width(unit: Sequence[str | Grid]) -> int:
    return sum(visual_length(p) if isinstance(p, str) else _matrix_width(p) for p in unit)


def _matrix(grid: Grid) -> str:
    columns = "c" * max(len(row) for row in grid.cells)
    rows = [
        " & ".join(
            f"\\boxed{{{cell}}}" if (r, c) in grid.marked else cell for c, cell in enumerate(row)
        )
        for r, row in enumerate(grid.cells)
    ]
    stretch = "\\renewcommand{\\arraystretch}{1.5}" if "\\frac" in "".join(rows) else ""
    body = " \\\\\n".join(rows)
    # array, not bmatrix: amsmath's matrices have ten columns at most.
    return f"{{{stretch}\\left[\\begin{{array}}{{{columns}}}\n{body}\n\\end{{array}}\\right]}}"


def _matrix_width(grid: Grid) -> int:
    widths = [max(map(visual_length, column)) + 2 for column in zip(*grid.cells, strict=True)]
    return sum(widths) + 2


def _align(lines: Sequence[str]) -> str:
    """An ``align*``; a line that ends in its own break keeps it."""
    ended = [line if line.endswith("[1ex]") else f"{line} \\\\" for line in lines[:-1]]
    return "\\begin{align*}\n" + "\n".join([*ended, lines[-1]]) + "\n\\end{align*}\n"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def _without_braces(match: re.Match[str]) -> str:
    """``{X_}`` after a fraction becomes ``<X_>``, elsewhere ``X_``."""
    inside = match[0][1:-1]
    before = match.string[: match.start()]
    return f"<{inside}>" if before.endswith(("\\frac", ">")) else inside


def _length(text: str) -> int:
    """Signs as wide as their spaces make them, capitals wider than figures."""
    signs = re.sub(r"\\cdot ?|\\times ?", "xx", text)
    letters = re.sub(r"\\[A-Za-z]+ ?|\\.", "x", signs)
    shown = [letter for letter in letters if letter not in "_^ &"]
    return len(shown) + sum(letter.isupper() for letter in shown) // 2
