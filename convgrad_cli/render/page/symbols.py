"""Symbols for the page: every entry's fragments as one template per array.

An entry's symbol differs from its neighbour's only in the numbers of its index, and each of those
is linear in the canonical index (also the tutorial's flat ones). So a template is the fragment's
pieces, and between them holes ``sum(weights * index) + base``: what the notation writes, not a
second notation.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.notation import Glyph, Names, Quotient
from convgrad_cli.derivation.writer import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convgrad_cli.derivation.notation import Atom, Part
    from convgrad_cli.derivation.notation_scripts import Script

_MARK = 70_000_000
"""Stands in for the first number of a symbol, the next for the second one, while it is written."""
_MARKED = re.compile(r"7000000\d")

_MAXIMUM = {
    "mathml": ["<mi>max</mi><mo stretchy='false'>{</mo>", "<mo stretchy='false'>}</mo>"],
    "latex": [r"\max\{", r"\}"],
    "text": ["max{", "}"],
}
_ARGMAX = {"mathml": "<mi>argmax</mi>", "latex": r"\operatorname{argmax} ", "text": "argmax "}
_COMMA = {"mathml": "<mo>,</mo>", "latex": ", ", "text": ", "}
_PLUS = {"mathml": "<mo>+</mo>", "latex": " + ", "text": " + "}


def scripts(names: Names) -> dict[str, Script]:
    """The page's three forms; the plain notation is ASCII."""
    text = "ascii" if names.notation.style == "brackets" else "unicode"
    return {"mathml": SCRIPTS["mathml"](), "latex": SCRIPTS["latex"](), "text": SCRIPTS[text]()}


def notation_symbols(names: Names) -> dict[str, Any]:
    """Templates of every array and gradient of the layer in one notation."""
    symbols = {}
    for role in names.frames:
        symbols[role] = template(names, role, gradient=False)
        symbols[f"d{role}"] = template(names, role, gradient=True)
    if names.traced.operation == "maxpool":
        symbols["switches"] = _with_argmax(symbols["Y"])
    return {"name": names.notation.name, "symbols": symbols}


def template(names: Names, role: str, *, gradient: bool) -> dict[str, Any]:
    """The pieces and holes of one array's entries, or of its gradient's."""
    shape = names.frames[role].shape
    zero = (0,) * len(shape)
    atom = names.gradient(role, zero) if gradient else names.entry(role, zero)
    base = _numbers(atom)
    weights = [[0] * len(shape) for _ in base]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        step = tuple(int(a == axis) for a in range(len(shape)))
        moved = _numbers(names.gradient(role, step) if gradient else names.entry(role, step))
        for hole, start, end in zip(weights, base, moved, strict=True):
            hole[axis] = end - start
    marked = _with_marks(atom)
    return {
        "holes": [{"base": b, "weights": w} for b, w in zip(base, weights, strict=True)],
        "pieces": {form: _MARKED.split(s.atom(marked)) for form, s in scripts(names).items()},
    }


def joints(names: Names) -> dict[str, Any]:
    """What stands between fragments in each form: times, plus, comma, a maximum's braces."""
    return {
        form: {
            "times": script.times,
            "beside": script.beside,
            "plus": _PLUS[form],
            "comma": _COMMA[form],
            "maximum": _MAXIMUM[form],
        }
        for form, script in scripts(names).items()
    }


def fractions(names: Names, divisors: Iterable[int]) -> dict[str, dict[str, str]]:
    """1/d in each form."""
    return {
        str(d): {form: s.fraction(Fraction(1, d)) for form, s in scripts(names).items()}
        for d in sorted(set(divisors))
    }


def _glyph(atom: Atom) -> Glyph:
    return atom.bottom if isinstance(atom, Quotient) else atom


def _numbers(atom: Atom) -> list[int]:
    glyph = _glyph(atom)
    return [part for part in (*glyph.sub, *glyph.args) if isinstance(part, int)]


def _with_marks(atom: Atom) -> Atom:
    """The atom with a mark in place of each of its numbers."""
    glyph = _glyph(atom)
    marks = iter(range(_MARK, _MARK + 10))
    sub = tuple(_marked(glyph.sub, marks))
    marked = glyph._replace(sub=sub, args=tuple(_marked(glyph.args, marks)))
    return atom._replace(bottom=marked) if isinstance(atom, Quotient) else marked


def _marked(parts: Iterable[Part], marks: Iterator[int]) -> Iterator[Part]:
    for part in parts:
        yield next(marks) if isinstance(part, int) else part


def _with_argmax(entry: dict[str, Any]) -> dict[str, Any]:
    pieces = {
        form: [_ARGMAX[form] + first, *rest] for form, (first, *rest) in entry["pieces"].items()
    }
    return {"holes": entry["holes"], "pieces": pieces}
