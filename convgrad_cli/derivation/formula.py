"""General formulas with running indices: the chain rule's sum and what it becomes.

    ∂L/∂F_mn = Σ_i Σ_j ∂L/∂O_ij · ∂O_ij/∂F_mn             the chain rule
             = Σ_i Σ_j ∂L/∂O_ij · X_{i+m−1,j+n−1}          recitation; Diba eq. 14; lecture 12

Which sums stand there follows from the axes: an index of Y that the target has too is bound to it,
every other one is summed over (samples and places for dW, filters and places for dX). An index with
one value is not shown and not summed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME, TracedActivation
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.glyph import Quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.derivation.glyph import Part, Parts
    from convgrad_cli.derivation.model import Frame
    from convgrad_cli.derivation.names import Names
    from convgrad_cli.derivation.writer import Writer
    from convgrad_cli.geometry import Axis


class Sum(NamedTuple):
    """Summation signs and the product behind them, as text in one script."""

    signs: str
    product: str

    def __str__(self) -> str:
        return f"{self.signs} {self.product}" if self.signs else self.product


class Bound(NamedTuple):
    """A running index: its letter and its first and last value in the notation's counting."""

    letter: str
    low: int
    high: int


def target_index(names: Names, target: str) -> tuple[Part, ...]:
    """The letters of the target's index, one per canonical axis."""
    frame = names.frames[names.traced.targets[target]]
    if isinstance(names.traced, TracedActivation):
        return _letters(names, frame, names.notation.variables.output)
    return _letters(names, frame, names.notation.variables.of_target(target))


def chain_rule(writer: Writer, target: str) -> Sum:
    """``Σ_i Σ_j ∂L/∂O_ij · ∂O_ij/∂F_mn`` for a gradient, in the writer's script."""
    names = writer.names
    upstream = names.traced.upstream
    role = names.traced.targets[target]
    if isinstance(names.traced, TracedActivation):
        place = target_index(names, target)
        local = Quotient(names.entry(upstream, place), names.entry(role, place))
        return Sum(
            "", writer.script.times.join([writer.gradient(upstream, place), writer.atom(local)])
        )
    output = _letters(names, names.frames[upstream], names.notation.variables.summed(target))
    left = names.gradient(upstream, output)
    local = Quotient(names.entry(upstream, output), names.entry(role, target_index(names, target)))
    product = writer.script.times.join([writer.atom(left), writer.atom(local)])
    return Sum(_signs(writer, _summed(names, target)), product)


def substituted(writer: Writer, target: str) -> Sum | None:
    """The chain rule with a convolution's or activation's local gradients put in; None where a
    notation's flat subscripts cannot say it, and for other layers."""
    names = writer.names
    traced = names.traced
    if isinstance(traced, TracedActivation):
        return _pointwise(writer, target)
    if not isinstance(traced, TracedConv) or names.notation.style == "flat":
        return None
    if target == "Y":
        return _forward(writer, traced)
    output = _letters(names, names.frames["Y"], names.notation.variables.summed(target))
    parts = [writer.gradient("Y", output)]
    index = target_index(names, target)
    axes = traced.plan.geometry.axes
    base = names.notation.base
    if target == "dW":
        places = [
            window_position(axis, i, p, base)
            for axis, i, p in zip(axes, output[2:], index[2:], strict=True)
        ]
        parts.append(writer.entry("X", (output[0], _channel(writer), *places)))
    if target == "dX":
        places = [
            filter_position(axis, x, i, base)
            for axis, x, i in zip(axes, index[2:], output[2:], strict=True)
        ]
        parts.append(writer.entry("W", (output[1], _channel(writer), *places)))
    return Sum(_signs(writer, _summed(names, target)), writer.script.times.join(parts))


def window_position(axis: Axis, out: Part, kernel: Part, base: int) -> str:
    """s·i + d·p − padding: the input position, in the notation's counting."""
    constant = base - axis.before - base * (axis.stride + axis.dilation)
    return affine([(axis.stride, out), (axis.dilation, kernel)], constant)


def filter_position(axis: Axis, position: Part, out: Part, base: int) -> str:
    """(x + padding − s·i) / d: the filter position, in the notation's counting."""
    if axis.dilation == 1:
        return affine([(1, position), (-axis.stride, out)], axis.before + base * axis.stride)
    inside = affine([(1, position), (-axis.stride, out)], axis.before + base * (axis.stride - 1))
    return f"({inside})/{axis.dilation}" + (f"+{base}" if base else "")


def affine(terms: Sequence[tuple[int, Part]], constant: int) -> str:
    """``2i′+m−1``: a sum of multiples of letters and a constant, without blanks."""
    text = ""
    for factor, letter in terms:
        sign = "−" if factor < 0 else "+" if text else ""
        text += f"{sign}{abs(factor) if abs(factor) != 1 else ''}{letter}"
    if constant:
        text += f"{'−' if constant < 0 else '+'}{abs(constant)}"
    return text


def _forward(writer: Writer, traced: TracedConv) -> Sum:
    names = writer.names
    letters = names.notation.variables
    output = _letters(names, names.frames["Y"], letters.of_target("Y"))
    kernel = _letters(names, names.frames["W"], letters.summed("Y"))
    axes = traced.plan.geometry.axes
    places = [
        window_position(axis, i, p, names.notation.base)
        for axis, i, p in zip(axes, output[2:], kernel[2:], strict=True)
    ]
    product = writer.script.beside.join(
        [
            writer.entry("X", (output[0], _channel(writer), *places)),
            writer.entry("W", (output[1], *kernel[1:])),
        ]
    )
    if traced.bias:
        product += f" + {writer.entry('b', (output[1],))}"
    frame = names.frames["W"]
    bounds = _bounds(names, frame, kernel, [1, *frame.spatial])
    return Sum(_signs(writer, bounds), product)


def _pointwise(writer: Writer, target: str) -> Sum:
    """``σ(O_ij)``, or ``∂L/∂A_ij·σ′(O_ij)``."""
    place = target_index(writer.names, target)
    entry = writer.entry("Y", place)
    if target == "A":
        return Sum("", f"{writer.script.phrase(SIGMA)}({entry})")
    slope = f"{writer.script.phrase(SIGMA_PRIME)}({entry})"
    return Sum("", writer.script.times.join([writer.gradient("A", place), slope]))


def _channel(writer: Writer) -> str:
    return writer.names.notation.variables.channel


def _letters(names: Names, frame: Frame, spatial: Sequence[str]) -> tuple[Part, ...]:
    """A letter per canonical axis; 0 for an index that has one value and is not shown elsewhere."""
    variables = names.notation.variables
    leading: dict[str, str | int] = {
        "n": variables.sample,
        "c": variables.channel,
        "k": variables.filter,
        "t": "t",
    }
    leading |= dict.fromkeys(names.hidden, 0)
    places = iter(spatial)
    return tuple(next(places) if kind == "s" else leading[kind] for kind in frame.kinds)


def _summed(names: Names, target: str) -> list[Bound]:
    frame = names.frames[names.traced.upstream]
    bound = {kind for kind in names.frames[names.traced.targets[target]].kinds if kind != "s"}
    axes = [a for a, kind in enumerate(frame.kinds) if kind not in bound]
    letters = _letters(names, frame, names.notation.variables.summed(target))
    return _bounds(names, frame, letters, axes)


def _bounds(names: Names, frame: Frame, letters: Parts, axes: Sequence[int]) -> list[Bound]:
    """The running indices that the notation shows, with their ranges."""
    base = names.notation.base
    shown = names.shown_axes(frame)
    if names.notation.style == "flat":
        flat = [axis for axis in axes if axis in frame.spatial]
        size = 1
        for axis in flat:
            size *= frame.shape[axis]
        leading = [axis for axis in axes if axis not in flat and axis in shown]
        found = [Bound(str(letters[a]), base, frame.shape[a] - 1 + base) for a in leading]
        return [*found, *([Bound(str(letters[flat[0]]), base, size - 1 + base)] if flat else [])]
    return [
        Bound(str(letters[axis]), base, frame.shape[axis] - 1 + base)
        for axis in axes
        if axis in shown
    ]


def _signs(writer: Writer, bounds: Sequence[Bound]) -> str:
    return " ".join(
        writer.script.total(letter, str(low), str(high)) for letter, low, high in bounds
    )
