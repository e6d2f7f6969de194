"""LaTeX: one displayed matrix per plane, for amsmath (and graphicx, where a wide one is scaled).

A fragment to input or paste, not a document. Large arrays show their edges.
"""

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

MOST: Final = (40, 20)
"""Rows and columns of a matrix that a page can hold and an eye can read; of a larger, the edges."""

_AMSMATH_COLUMNS: Final = 10  # what a matrix of amsmath takes unless told otherwise
_GRADIENTS: Final = {"dX": "X", "dW": "W", "db": "b", "dY": "Y", "dA": "A"}
_WORDS: Final = {"NaN": r"\mathrm{NaN}", "Inf": r"\infty", "-Inf": r"-\infty"}
_PLAIN: Final = 52  # characters of a row that fit a page in the usual size
_SMALL: Final = 78  # and in script size; a longer one is scaled to the line


def latex_output(result: Result, display: Display) -> str:
    """The result as displayed equations, ending in a newline."""
    parts: list[str] = []
    columns = 0
    for section in sections(result):
        shown = planes(result, section, limit=WHOLE_UP_TO, top=display.top, most=MOST)
        columns = max(columns, *(len(plane.columns) for plane in shown if plane is not None))
        parts += _equations(section, shown, display)
    if result.verify is not None:
        parts.append(f"% {words.verify_words(result.verify, display)}\n")
    scaled = any("\\resizebox" in part for part in parts)
    head = f"% needs \\usepackage{{amsmath{',graphicx' if scaled else ''}}}\n"
    if columns > _AMSMATH_COLUMNS:
        head += f"\\setcounter{{MaxMatrixCols}}{{{columns}}}\n"
    return "".join([head, *parts])


def _equations(section: Section, shown: Sequence[Plane | None], display: Display) -> list[str]:
    tokens = map(_number, display_tokens(shown_values(shown), display.precision))
    parts = []
    for plane in shown:
        if plane is None:
            parts.append(f"% ... {planes_left_out(shown, section.array)} more planes ...\n")
        else:
            body = _matrix(plane, tokens)
            parts.append(_displayed(f"{_symbol(section, plane)} = {body}", _row_length(body)))
    if in_part(shown):
        parts.append(f"% {words.summary_words(summary(section.array), display)}\n")
    return parts


def _matrix(plane: Plane, tokens: Iterator[str]) -> str:
    """The plane as a bmatrix; takes as many tokens as it shows numbers."""
    lines = []
    for at in plane.rows or (0,):
        if at is None:
            cells = [r"\ddots" if column is None else r"\vdots" for column in plane.columns]
        else:
            cells = [r"\cdots" if column is None else next(tokens) for column in plane.columns]
        lines.append(" & ".join(cells))
    body = " \\\\\n".join(lines)
    return f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"


def _number(token: str) -> str:
    """``1.5e-05`` as a product with a power of ten."""
    if token in _WORDS:
        return _WORDS[token]
    mantissa, mark, exponent = token.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if mark else token


def _symbol(section: Section, plane: Plane) -> str:
    """∂L/∂X as a fraction, at the plane's indices."""
    name = section.name
    if section.updated:
        symbol = f"{name}_{{\\text{{new}}}}"
    elif name in _GRADIENTS:
        symbol = f"\\frac{{\\partial L}}{{\\partial {_GRADIENTS[name]}}}"
    else:
        symbol = name if len(name) == 1 else f"\\text{{{name}}}"
    if not plane.index:
        return symbol
    fixed = ",\\, ".join(f"{axis}={at}" if axis else str(at) for axis, at in plane.index)
    return f"\\left.{symbol}\\right|_{{{fixed}}}"


def _row_length(body: str) -> int:
    """Characters of a matrix's longest row, about as they are printed."""
    return max(len(line.replace(" \\times 10^", "e")) for line in body.splitlines())


def _displayed(equation: str, length: int) -> str:
    """The equation in a display of its own; long rows in smaller type, longer ones scaled."""
    if length <= _PLAIN:
        return f"\\[\n{equation}\n\\]\n"
    if length <= _SMALL:
        return f"{{\\scriptsize\\setlength{{\\arraycolsep}}{{3pt}}\n\\[\n{equation}\n\\]\n}}\n"
    return f"\\[\n\\resizebox{{\\linewidth}}{{!}}{{$\\displaystyle\n{equation}\n$}}\n\\]\n"
