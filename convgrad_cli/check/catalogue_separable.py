"""The catalogue for a separable layer: both steps' mistakes of a convolution, and S1 to S5 between.

    V = conv(X, D, groups = I)     Y = conv(V, P) + b     dV = Pᵀ·dY
    dX, dD  from V's convolution with dV as its upstream     dP, db  from Y's with V as its input

A change of the first step stands under its own name, one of the second under ``mix.…``, one of the
V that dP is taken with under ``V.…``; ``dV`` and ``V`` exchange what passes between the steps.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.check.catalogue_bias import bias_mistakes
from convgrad_cli.check.catalogue_input import input_mistakes
from convgrad_cli.check.catalogue_output import output_mistakes
from convgrad_cli.check.catalogue_weight import weight_mistakes
from convgrad_cli.check.channels import spread_over
from convgrad_cli.check.mistake import Mistake, Row, row_table
from convgrad_cli.check.mistake_of import mistake
from convgrad_cli.check.rows import CONV_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry.separable import SeparablePlan

_FIRST: Final = ("dX", "dDepthwise")
#: Where a convolution's row for a target goes: the first step's, the second's, V's in dP.
_PLACES: Final = {
    "dX": ("dX",),
    "dW": ("dDepthwise", "dPointwise"),
    "db": ("db",),
    "Y": ("Y", "dPointwise"),
}


def _placed(row: Row) -> Row:
    found = dict.fromkeys(place for target in row.targets for place in _PLACES[target])
    return replace(row, targets=tuple(found))


SEPARABLE_ROWS: Final = row_table(
    [
        *(_placed(row) for row in CONV_ROWS.values()),
        Row("S1", "P not transposed on the way back to dV", _FIRST),
        Row("S2", "the pointwise step left out", (*_FIRST, "Y")),
        Row("S3", "the depthwise step taken as a full convolution", ("dDepthwise",)),
        Row("S4", "X in place of V: the depthwise step left out", ("dPointwise", "Y")),
        Row("S5", "one output channel's share of dV only", _FIRST),
    ]
)
#: What the steps' convolutions call their arrays; a W that is a width stays.
_W: Final = r"(?<!:)(?<![HKND], )(?<!\+ )(?<!leaves \()\bW\b"
_LETTERS: Final = {
    "first": {"dY": "dV", "dW": "dDepthwise", "Y": "V", "W": "D"},
    "second": {"dX": "dV", "X": "V", "dW": "dPointwise", "W": "P"},
}
_NO_LAYOUT: Final = " (--filter-layout names its layout)"
_PATTERN: Final = re.compile(rf"\b(?:dX|dY|dW|X|Y)\b|{_W}")


def reworded(text: str, step: str) -> str:
    """A convolution's words with a step's own letters."""
    letters, kind = _LETTERS[step], {"first": "depthwise", "second": "pointwise"}[step]
    text = text.replace("the filter", f"the {kind} filter").replace(_NO_LAYOUT, "")
    return _PATTERN.sub(lambda found: letters.get(found[0], found[0]), text)


def separable_mistakes(target: str, plan: SeparablePlan, *, bias: bool) -> list[Mistake]:
    """Every reading of every row for ``target`` that this geometry has room for."""
    first, second = plan.depthwise.geometry, plan.pointwise.geometry
    match target:
        case "dX":
            return [*_between(plan), *_step("first", input_mistakes(first))]
        case "dDepthwise":
            own = [*_between(plan), *_full()] if first.groups > 1 else _between(plan)
            return [*own, *_step("first", weight_mistakes(first))]
        case "dPointwise":
            before = _step("first", output_mistakes(first, bias=False), "V.", "V computed with ")
            return [*_input_for_v(plan), *_step("second", weight_mistakes(second)), *before]
        case "db":
            return list(_step("second", bias_mistakes(second)))
        case _:
            mixed = _step("second", output_mistakes(second, bias=bias), "mix.")
            return [*_left_out(plan), *_step("first", output_mistakes(first, bias=False)), *mixed]


def _step(
    step: str, mistakes: Iterable[Mistake], prefix: str = "", before: str = ""
) -> Iterator[Mistake]:
    for each in mistakes:
        yield Mistake(
            each.id,
            before + reworded(each.phrase, step),
            reworded(each.fix, step),
            {prefix + name: change for name, change in each.changes.items()},
            frozenset(prefix + stage for stage in each.stages),
            each.common,
        )


def _passed(id: str, phrase: str, fix: str, **changes: Any) -> Mistake:
    return Mistake(id, phrase, fix, changes, frozenset(changes))


def right_upstream(P: Array, dY: Array) -> Array:
    """dV[n, i] = sum over o of P[o, i] · dY[n, o]."""
    return np.asarray(np.einsum("oi,no...->ni...", P.reshape(P.shape[:2]), dY))


def _between(plan: SeparablePlan) -> list[Mistake]:
    """What arrives at the first step."""
    outs, maps = plan.pointwise_shape[:2]
    fix = "dV = Pᵀ·dY: dV[n, i] = Σ_o P[o, i]·dY[n, o] (np.einsum('oi,no...->ni...', P, dY))"
    found = []
    if outs == maps > 1:
        phrase = "P not transposed (dV = P·dY where Pᵀ·dY belongs)"
        found.append(_passed("S1", phrase, fix, dV=_not_transposed))
        phrase = "the pointwise step left out (dV = dY)"
        found.append(_passed("S2", phrase, fix, dV=lambda P, dY: dY))
    elif min(outs, maps) > 1:
        phrase = "P reshaped to Pᵀ's shape, not transposed"
        found.append(_passed("S1", phrase, fix, dV=_reshaped))
    phrase = "the pointwise step left out (dY, summed over its channels, in every channel of dV)"
    found.append(_passed("S2", phrase, fix, dV=_summed))
    for o, word in ((0, "first"), (outs - 1, "last")) if outs > 1 else ():
        phrase = f"the {word} output channel's share of dV only"
        found.append(_passed("S5", phrase, fix, dV=_share(o)))
    return found


def _not_transposed(P: Array, dY: Array) -> Array:
    return right_upstream(P.swapaxes(0, 1), dY)


def _reshaped(P: Array, dY: Array) -> Array:
    outs, maps = P.shape[:2]
    return right_upstream(P.reshape(maps, outs).T, dY)


def _summed(P: Array, dY: Array) -> Array:
    return np.repeat(dY.sum(axis=1, keepdims=True), P.shape[1], axis=1)


def _share(o: int) -> Any:
    return lambda P, dY: right_upstream(P[[o]], dY[:, [o]])


def _full() -> list[Mistake]:
    """dD as of a filter that meets every channel."""
    fix = "each filter meets its own channel alone: dD[i] = corr(X[:, i], dV[:, i]), no sum over i"
    full: dict[str, Any] = {"groups": 1, "output": lambda dD: dD.sum(axis=1, keepdims=True)}
    phrase = "X summed over all channels (the depthwise step taken as a full convolution)"
    every = "the sum over all channels in every filter (the depthwise step taken as one filter)"
    return [
        mistake("S3", phrase, fix, **full),
        mistake("S3", every, fix, output=lambda dD: spread_over(dD, 0)),
    ]


def _input_for_v(plan: SeparablePlan) -> list[Mistake]:
    """X where V belongs: as it is, its corner, or every stride-th entry."""
    geometry = plan.depthwise.geometry
    times, size = geometry.filters_per_group, geometry.output_size
    fix = "the pointwise step's input is the depthwise step's output: V = conv(X, D, groups=I)"
    phrase = "X in place of V (the depthwise step left out)"
    steps = {"": (1,) * geometry.dims, ", every stride-th entry of it": geometry.stride}
    found: dict[tuple[int, ...], Mistake] = {}
    for words, step in steps.items():
        reach = [s * (o - 1) + 1 for s, o in zip(step, size, strict=True)]
        if all(r <= n for r, n in zip(reach, geometry.input_size, strict=True)):
            cut = "" if reach == list(geometry.input_size) else words or ", cut to V's size"
            found.setdefault(
                tuple(step), _passed("S4", f"{phrase}{cut}", fix, V=_taken(step, size, times))
            )
    return list(found.values())


def _taken(step: tuple[int, ...], size: tuple[int, ...], times: int) -> Any:
    at: Any = (..., *(slice(0, s * (o - 1) + 1, s) for s, o in zip(step, size, strict=True)))
    return lambda X, V: np.repeat(X[at], times, axis=1)


def _left_out(plan: SeparablePlan) -> Iterator[Mistake]:
    """One of the steps missing in Y."""
    yield from _input_for_v(plan)
    outs, maps = plan.pointwise_shape[:2]
    fix = "mix the channels: Y[n, o] = Σ_i P[o, i]·V[n, i] + b[o]"
    if outs == maps:
        phrase = "the pointwise step left out (Y = V, and the bias)"
        yield _passed("S2", phrase, fix, mixture=lambda P: np.eye(maps).reshape(P.shape))
    if maps > 1:
        phrase = "the pointwise step's weights left out (the sum of V over its channels)"
        yield _passed("S2", phrase, fix, mixture=np.ones_like)
