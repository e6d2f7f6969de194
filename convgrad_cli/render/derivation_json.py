"""JSON: the contract's ``derivation`` object, written piece by piece so that a million terms fit.

Indices count from 0 in the given array's own rank; fractions are strings ("1/9").
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import islice, product
from typing import TYPE_CHECKING, Any

import orjson

from convgrad_cli.derivation import TracedConv, routes
from convgrad_cli.derivation.agreement import agrees
from convgrad_cli.derivation.equation import joined
from convgrad_cli.derivation.numbers import total

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from convgrad_cli.derivation import Derivation, Equation, Term
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.numbers import Number
    from convgrad_cli.derivation.targets import Selected

_AT_ONCE = 4096
"""Terms that are objects at a time; the rest is already text."""
MOST_CELLS = 1_000_000
"""Cells of the convolution's arrays; larger ones are left out of the JSON, which says so."""
MOST_CELLS_OF_ONE = 10_000
"""The same where single elements are derived, which must not build whole arrays."""


def derivation_json(derivation: Derivation, *, convolution: bool = False) -> orjson.Fragment:
    """``{"notation": …, "equations": […]}``, with ``"convolution"`` where it is asked for."""
    equations = b",".join(_equation(derivation, equation) for equation in derivation)
    name = orjson.dumps(derivation.notation.name)
    views = convolution_json(derivation) if convolution else {}
    more = b',"convolution":%b' % orjson.dumps(views) if views else b""
    return orjson.Fragment(b'{"notation":%b,"equations":[%b]%b}' % (name, equations, more))


def _equation(derivation: Derivation, equation: Equation) -> bytes:
    head = {
        "target": equation.target,
        "index": equation.given_index,
        "label": equation.label,
    }
    expression, latex = derivation.writer("expression"), derivation.writer("latex")
    known = derivation.values.known(equation.target)
    values: list[Number] = []
    texts: tuple[list[str], list[str]] = ([], [])
    pieces = []
    terms = equation.terms
    while chunk := list(islice(terms, _AT_ONCE)):
        texts[0].extend(map(expression.term, chunk))
        texts[1].extend(map(latex.term, chunk))
        own = [derivation.values.term(term) for term in chunk] if known else []
        values += own
        pieces.append(_terms(derivation, chunk, own))
    tail: dict[str, Any] = {
        "expression": joined(texts[0]) or "0",
        "latex": f"{latex.left_side(equation)} = {joined(texts[1]) or '0'}",
    }
    if known:
        tail["value"] = number(total(values))
    listed = b",".join(pieces)
    return b'%b,"terms":[%b],%b' % (orjson.dumps(head)[:-1], listed, orjson.dumps(tail)[1:])


def _terms(derivation: Derivation, terms: Sequence[Term], values: Sequence[Number]) -> bytes:
    """The terms as JSON objects, without the brackets of the list."""
    frames = derivation.traced.frames
    upstream = frames[derivation.traced.upstream].layout.given_index
    given = {name: frame.layout.given_index for name, frame in frames.items()}
    objects = [_term(term, upstream, given) for term in terms]
    for one, value in zip(objects, values, strict=False):
        one["value"] = number(value)
    return orjson.dumps(objects)[1:-1]


def _term(
    term: Term, upstream: Callable[[Index], Index], given: Mapping[str, Callable[[Index], Index]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "upstream": None if term.upstream is None else upstream(term.upstream),
        "operand": term.operand,
    }
    if term.operand is not None and term.index is not None:
        found["index"] = given[term.operand](term.index)
    if term.filter is not None:
        found["filter"] = given["W"](term.filter)
    if term.factors:
        found["factors"] = [
            {"operand": f.operand, "index": given[f.operand](f.index), "function": f.function}
            for f in term.factors
        ]
    found["coefficient"] = _coefficient(term.coefficient)
    return found


def number(value: int | float | Fraction) -> Any:
    """A number as JSON has it: non-finite ones as words, fractions as floats, huge ones as text."""
    if isinstance(value, Fraction):
        value = float(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else orjson.Fragment(str(value))
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def convolution_json(derivation: Derivation) -> dict[str, Any]:
    """The contract's ``convolution``: per gradient the dilated, padded and flipped arrays, the
    padding of the full convolution, and the crop; numbers where given, names elsewhere."""
    found: dict[str, Any] = {}
    if not isinstance(derivation.traced, TracedConv):
        return found
    for selected in derivation.selection:
        if selected.target == "dX":
            found["dX"] = _input_route(derivation, selected)
        if selected.target == "dW":
            found["dW"] = _weight_route(derivation, selected)
    return found


def _input_route(derivation: Derivation, selected: Selected) -> dict[str, Any]:
    traced: TracedConv = derivation.traced  # type: ignore[assignment]
    axes = traced.plan.geometry.axes
    full = [axis.full_padding for axis in axes]
    return {
        "rule": "dX = correlate(pad(dilate(dY)), flip(W))",
        "dilated": _mapped(derivation, "Y", routes.dilated_upstream(axes)),
        "padded": _mapped(derivation, "Y", routes.padded_upstream(axes)),
        "flipped": _flipped(derivation),
        "padding": [[max(before, 0), max(after, 0)] for before, after in full],
        "crop": [[max(-before, 0), max(-after, 0)] for before, after in full],
        "dilation": [axis.dilation for axis in axes],
        "agrees": _agrees(derivation, traced, selected),
    }


def _weight_route(derivation: Derivation, selected: Selected) -> dict[str, Any]:
    traced: TracedConv = derivation.traced  # type: ignore[assignment]
    axes = traced.plan.geometry.axes
    return {
        "rule": "dW = correlate(pad(X), dilate(dY))",
        "padded": _mapped(derivation, "X", routes.padded_input(axes)),
        "dilated": _mapped(derivation, "Y", routes.dilated_upstream(axes)),
        "stride": [axis.dilation for axis in axes],
        "keep": [axis.kernel for axis in axes],
        "agrees": _agrees(derivation, traced, selected),
    }


def _agrees(derivation: Derivation, traced: TracedConv, selected: Selected) -> bool:
    equations = islice(derivation.equations(selected), 10_000)
    return all(agrees(traced, e.target, e.index) for e in equations)


def _mapped(derivation: Derivation, role: str, plane: routes.Map) -> Any:
    """An array after dilating and padding, in the user's rank and layout."""
    cell = _cell(derivation, role)

    def at(index: Index) -> Any:
        source = plane.source(index[2:])
        return 0 if source is None else cell((*index[:2], *source))

    return _nested(derivation, role, plane.shape, at)


def _flipped(derivation: Derivation) -> Any:
    traced: TracedConv = derivation.traced  # type: ignore[assignment]
    axes = traced.plan.geometry.axes
    cell = _cell(derivation, "W")
    return _nested(
        derivation,
        "W",
        tuple(axis.kernel for axis in axes),
        lambda index: cell((*index[:2], *routes.flipped(axes, index[2:]))),
    )


def _cell(derivation: Derivation, role: str) -> Callable[[Index], Any]:
    """An entry as a number where given, else its name; of Y it is the gradient's."""
    array = "dY" if role == "Y" else role
    if array in derivation.values:
        return lambda index: number(derivation.values.entry(array, index))
    writer = derivation.writer("expression")
    write = writer.gradient if role == "Y" else writer.entry
    return lambda index: write(role, index)


def _nested(derivation: Derivation, role: str, spatial: Index, cell: Callable[[Index], Any]) -> Any:
    frame = derivation.traced.frames[role]
    canonical = (*frame.shape[:2], *spatial)
    shape = frame.layout.given_shape(canonical)
    single = all(selected.index is not None for selected in derivation.selection)
    most = MOST_CELLS_OF_ONE if single else MOST_CELLS
    if math.prod(shape) > most:
        return f"left out: {'×'.join(map(str, shape))} is larger than {most:,} cells"
    cells = [cell(frame.layout.canonical_index(g)) for g in product(*map(range, shape))]
    for size in reversed(shape[1:]):
        cells = [cells[i : i + size] for i in range(0, len(cells), size)]
    return cells


def _coefficient(value: int | Fraction) -> int | str:
    if isinstance(value, int):
        return value
    return value.numerator if value.denominator == 1 else str(value)
