"""Symbols for the page: every entry's fragments as one template per array.

An entry's symbol differs from its neighbour's only in the numbers of its index, and each of those
is linear in the canonical index (also the tutorial's flat ones). So a template is the fragment's
pieces, and between them holes ``sum(weights * index) + base``: what the notation writes, not a
second notation.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME
from convgrad_cli.derivation.glyph import Glyph, Quotient
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.writer import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.derivation.glyph import Atom, Part
    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.derivation.notation_scripts import Script
    from convgrad_cli.render.layer import Layer

_MARK = "\uff10"
"""A digit that no notation writes: stands in for each number of a symbol while it is written."""


class _Mark(int):
    """A number of one digit, which is written as the mark."""

    def __str__(self) -> str:
        return _MARK


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


def layer_symbols(layer: Layer, notation: Notation) -> dict[str, Any]:
    """Templates of every array of the layer in one notation, its activation's among them."""
    found = notation_symbols(Names(notation, layer.traced))
    if layer.activation is not None:
        names = Names(notation, layer.pointwise.traced)
        own = notation_symbols(names)["symbols"]
        found["symbols"] |= {name: own[name] for name in ("A", "dA", "dY")}
        for name, function in (("value", SIGMA), ("derivative", SIGMA_PRIME)):
            found["symbols"][name] = _applied(own["Y"], names, function)
    return found


def notation_symbols(names: Names) -> dict[str, Any]:
    """Templates of every array and gradient that the tracer names, in one notation."""
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
    found: dict[str, Any] = {
        "shape": shape,
        "holes": [{"base": b, "weights": w} for b, w in zip(base, weights, strict=True)],
        "pieces": _pieces(names, atom),
    }
    last = tuple(size - 1 for size in shape)
    largest = names.gradient(role, last) if gradient else names.entry(role, last)
    if _glyph(largest).together != _glyph(atom).together:
        # Subscripts run together up to 9; the page takes these pieces where one of them is larger.
        found["wide"] = _pieces(names, largest)
        found["subscripts"] = sum(isinstance(part, int) for part in _glyph(atom).sub)
    return found


def _pieces(names: Names, atom: Atom) -> dict[str, list[str]]:
    """The fragment's pieces in each form, cut where its numbers stand."""
    marked = _with_marks(atom)
    return {form: s.atom(marked).split(_MARK) for form, s in scripts(names).items()}


def joints(names: Names) -> dict[str, Any]:
    """What stands between fragments in each form: times, plus, comma, a maximum's braces, σ()."""
    return {
        form: {
            "times": script.times,
            "beside": script.beside,
            "plus": _PLUS[form],
            "comma": _COMMA[form],
            "maximum": _MAXIMUM[form],
            "value": [side[form] for side in application(names, SIGMA)],
            "derivative": [side[form] for side in application(names, SIGMA_PRIME)],
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
    marked = glyph._replace(sub=_marked(glyph.sub), args=_marked(glyph.args))
    return atom._replace(bottom=marked) if isinstance(atom, Quotient) else marked


def _marked(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(_Mark() if isinstance(part, int) else part for part in parts)


def _with_argmax(entry: dict[str, Any]) -> dict[str, Any]:
    return _between(entry, _ARGMAX, dict.fromkeys(_ARGMAX, ""))


def _applied(entry: dict[str, Any], names: Names, function: str) -> dict[str, Any]:
    """The symbol of a function of an entry: σ′(Y)."""
    before, after = application(names, function)
    return _between(entry, before, after)


def application(names: Names, function: str) -> tuple[dict[str, str], dict[str, str]]:
    """What stands before and after what a function is applied to, in each form."""
    before, after = {}, {}
    for form, script in scripts(names).items():
        word, brackets = script.phrase(function), ("(", ")")
        if form == "mathml":
            word, brackets = f"<mi>{function}</mi>", (_bracket("("), _bracket(")"))
        before[form], after[form] = word + brackets[0], brackets[1]
    return before, after


def _bracket(sign: str) -> str:
    return f'<mo stretchy="false" lspace="0" rspace="0">{sign}</mo>'


def _between(
    entry: dict[str, Any], before: dict[str, str], after: dict[str, str]
) -> dict[str, Any]:
    """A template with something before and after it."""

    def around(pieces: dict[str, list[str]]) -> dict[str, list[str]]:
        found = {}
        for form, texts in pieces.items():
            first, *rest = texts
            found[form] = [before[form] + first, *rest]
            found[form][-1] += after[form]
        return found

    return entry | {key: around(entry[key]) for key in ("pieces", "wide") if key in entry}
