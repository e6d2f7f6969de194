"""LaTeX: one displayed matrix per plane, for amsmath (``\\\\usepackage{amsmath}``).

A fragment to \\\\input or paste, not a document. Large arrays show their edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.render import words
from convgrad_cli.render.numbers import display_tokens
from convgrad_cli.render.planes import planes, planes_left_out, sections, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.render.planes import Plane, Section
    from convgrad_cli.render.result import Array, Display, Result

WHOLE_UP_TO: Final = 10_000
"""Numbers of an array that are printed whole; of a larger one, the edges."""

_AMSMATH_COLUMNS: Final = 10  # what a matrix of amsmath takes unless told otherwise
_GREEK: Final = {"dX": "X", "dW": "W", "db": "b", "dY": "Y", "dA": "A"}
_WORDS: Final = {"NaN": r"\mathrm{NaN}", "Inf": r"\infty", "-Inf": r"-\infty"}
_SIZES: Final = ((60, ""), (100, r"\scriptsize"), (10**9, r"\tiny"))
"""Characters in a matrix's row, up to which it is set in that size."""


def latex_output(result: Result, display: Display) -> str:
    """The result as displayed equations, ending in a newline."""
    parts: list[str] = []
    columns = 0
    for section in sections(result):
        shown = list(planes(result, section, limit=WHOLE_UP_TO, top=display.top))
        present = [plane for plane in shown if plane is not None]
        columns = max(columns, *(len(plane.columns) for plane in present))
        parts += _equations(section, shown, display)
    if result.verify is not None:
        parts.append(f"% {words.verify_words(result.verify, display)}\n")
    head = "% needs \\usepackage{amsmath}\n"
    if columns > _AMSMATH_COLUMNS:
        head += f"\\setcounter{{MaxMatrixCols}}{{{columns}}}\n"
    return "".join([head, *parts])


def _equations(section: Section, shown: Sequence[Plane | None], display: Display) -> list[str]:
    parts = []
    for plane in shown:
        if plane is None:
            parts.append(f"% … {planes_left_out(shown, section.array)} more planes …\n")
        else:
            body = _matrix(plane, display)
            equation = f"{_symbol(section, plane)} = {body}"
            parts.append(_in_size(f"\\[\n{equation}\n\\]\n", plane, body))
    if None in shown or section.array.size > WHOLE_UP_TO:
        parts.append(f"% {words.summary_words(summary(section.array), display)}\n")
    return parts


def _matrix(plane: Plane, display: Display) -> str:
    values = plane.shown()
    tokens = iter(_tokens(values, display.precision))
    lines = []
    for at in plane.rows or (0,):
        if at is None:
            gap = [r"\vdots" if column is not None else r"\ddots" for column in plane.columns]
            lines.append(" & ".join(gap))
        else:
            row = (r"\cdots" if column is None else next(tokens) for column in plane.columns)
            lines.append(" & ".join(row))
    body = " \\\\\n".join(lines)
    return f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"


def _tokens(values: Array, precision: int | None) -> list[str]:
    return [_number(token) for token in display_tokens(values, precision)]


def _number(token: str) -> str:
    """``1.5e-05`` → ``1.5 \\\\times 10^{-5}``."""
    if token in _WORDS:
        return _WORDS[token]
    mantissa, mark, exponent = token.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if mark else token


def _symbol(section: Section, plane: Plane) -> str:
    """``\\\\frac{\\\\partial L}{\\\\partial X}``, at the plane's indices."""
    name = section.name
    if section.updated:
        symbol = f"{name}_{{\\text{{new}}}}"
    elif name in _GREEK:
        symbol = f"\\frac{{\\partial L}}{{\\partial {_GREEK[name]}}}"
    else:
        symbol = name if len(name) == 1 else f"\\text{{{name}}}"
    if not plane.index:
        return symbol
    fixed = ",\\, ".join(f"{axis}={at}" if axis else str(at) for axis, at in plane.index)
    return f"\\left.{symbol}\\right|_{{{fixed}}}"


def _in_size(equation: str, plane: Plane, body: str) -> str:
    """The equation in a group of smaller type where its rows are long."""
    longest = max(len(line.replace(" \\times 10^", "e")) for line in body.splitlines())
    size = next(size for limit, size in _SIZES if longest <= limit)
    if not size:
        return equation
    return f"{{{size}\\setlength{{\\arraycolsep}}{{3pt}}\n{equation}}}\n"
