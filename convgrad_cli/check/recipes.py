"""The plain pipelines of Y, dX and dW as recipes: every stage is a field, a mistake changes one.

    dX   dilate → flip → channels → correlate (accumulate) → crop → order → scale
    dW   pad → dilate → correlate → crop → flip → channels → order → scale
    Y    pad → flip → channels → correlate → bias → order → scale

With the fields left as the geometry has them a recipe gives the right array; it is written plainly
(one matrix product per filter position) and shares no code with the layers, so that the two can be
held against each other. Arrays are canonical float64; positions count in the padded input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from convgrad_cli.check.planes import Array, extended, grouped, strided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry import Axis, ConvGeometry

Transform: TypeAlias = Callable[[Array], Array]


class Span(NamedTuple):
    """Where a stage cuts an axis: ``length`` entries from ``start``, set into ``total`` zeros."""

    start: int
    length: int
    total: int


class ConvData(NamedTuple):
    """The arrays of one convolution, canonical and in float64."""

    X: Array
    W: Array
    dY: Array
    b: Array


class Impossible(Exception):
    """The mistake cannot even be computed on this layer (a negative size)."""


@dataclass(frozen=True)
class Recipe:
    """What the pipelines share."""

    geometry: ConvGeometry
    step: tuple[int, ...]
    spacing: tuple[int, ...]
    groups: int
    flip: tuple[int, ...] = ()
    inputs: Transform | None = None
    filters: Transform | None = None
    upstream: Transform | None = None
    output: Transform | None = None
    order: Transform | None = None
    scale: float = 1.0

    def finish(self, result: Array) -> Array:
        """The stages after the sums: channels, order, scale."""
        for change in (self.output, self.order):
            result = result if change is None else change(result)
        return result * self.scale if self.scale != 1.0 else result

    def changed(self, changes: dict[str, Any]) -> Any:
        """The recipe with stages replaced."""
        return replace(self, **changes)


#: The stage each field belongs to: a pair of mistakes changes two different stages.
STAGES = {
    "step": "dilate",
    "spacing": "spacing",
    "groups": "channels",
    "flip": "flip",
    "inputs": "channels",
    "filters": "channels",
    "upstream": "channels",
    "output": "channels",
    "turned": "turn",
    "order": "order",
    "scale": "scale",
    "accumulate": "accumulate",
    "crop": "crop",
    "offset": "pad",
    "repeat": "dilate",
    "count": "crop",
    "bias": "bias",
    "sample": "batch",
}


#: Fields whose stages come after the sums of dX and dW, so that the sums need not be done again.
LAST_STAGES = frozenset({"output", "order", "scale"})


@dataclass(frozen=True)
class InputRecipe(Recipe):
    """dX: every window adds dY·W to the padded plane, which is then cropped.

    dX_padded[n, c, i*step + p*spacing] += dY[n, o, i] * W[o, c, p]
    """

    accumulate: str = "add"  # add | last | first | last filter (what stays where windows overlap)
    crop: Callable[[int, Axis, int], Span] = lambda _, axis, touched: Span(
        axis.before, axis.size, axis.size
    )
    repeat: bool = False
    turned: tuple[str, int, int] | None = None  # an operand with two spatial axes exchanged

    def run(self, data: ConvData) -> Array:
        """The gradient this recipe gives."""
        dY = _apply(self.upstream, data.dY)
        W = _apply(self.filters, data.W)
        if self.turned:
            dY, W = _turn(self.turned, "dY", dY), _turn(self.turned, "W", W)
        W = np.flip(W, self.flip) if self.flip else W
        if self.repeat:
            dY = _repeated(dY, self.geometry.stride)
        kernel, outs = W.shape[2:], dY.shape[2:]
        touched = _touched(self.step, outs, self.spacing, kernel)
        plane = self._scatter(dY, W, touched)
        spans = [self.crop(j, axis, touched[j]) for j, axis in enumerate(self.geometry.axes)]
        if min(min(span.length, span.total) for span in spans) < 1:
            raise Impossible
        cut = extended(plane, [s.start for s in spans], [s.length for s in spans])
        if any(span.length != span.total for span in spans):
            cut = extended(cut, [0] * len(spans), [s.total for s in spans])
        return self.finish(cut)

    def _scatter(self, dY: Array, W: Array, touched: tuple[int, ...]) -> Array:
        groups, batch, outs = self.groups, dY.shape[0], dY.shape[2:]
        dY_rows = grouped(dY, groups, 1).reshape(batch, groups, dY.shape[1] // groups, -1)
        W_blocks = grouped(W, groups, 0)
        if self.accumulate == "last filter":
            dY_rows, W_blocks = dY_rows[:, :, -1:], W_blocks[:, -1:]
        plane = np.zeros((batch, groups, W.shape[1], *touched))
        taps = list(np.ndindex(*W.shape[2:]))
        for tap in taps if self.accumulate == "first" else reversed(taps):
            block = W_blocks[(..., *tap)].swapaxes(1, 2) @ dY_rows
            spots = _spots(tap, self.step, self.spacing, outs)
            block = block.reshape(batch, groups, W.shape[1], *outs)
            if self.accumulate == "add":
                plane[(..., *spots)] += block
            else:
                plane[(..., *spots)] = block
        return plane.reshape(batch, groups * W.shape[1], *touched)


@dataclass(frozen=True)
class WeightRecipe(Recipe):
    """dW: the padded input is correlated with the dilated dY.

    dW[o, c, p] = sum over n, i of dY[n, o, i] * X[n, c, i*step + p*spacing - offset]
    """

    offset: tuple[int, ...] = ()
    count: Callable[[int, Axis], Span] = lambda _, axis: Span(0, axis.kernel, axis.kernel)
    sample: int | None = None

    def run(self, data: ConvData) -> Array:
        """The gradient this recipe gives."""
        X, dY = _apply(self.inputs, data.X), _apply(self.upstream, data.dY)
        if self.sample is not None:
            X, dY = X[self.sample : self.sample + 1], dY[self.sample : self.sample + 1]
        spans = [self.count(j, axis) for j, axis in enumerate(self.geometry.axes)]
        if min(span.length for span in spans) < 1:
            raise Impossible
        outs, ends = dY.shape[2:], [span.start + span.length for span in spans]
        X = extended(X, [-o for o in self.offset], _touched(self.step, outs, self.spacing, ends))
        result = self._correlate(X, dY, spans)
        result = np.flip(result, self.flip) if self.flip else result
        return self.finish(result)

    def _correlate(self, X: Array, dY: Array, spans: list[Span]) -> Array:
        groups, outs = self.groups, dY.shape[2:]
        per_group, filters = X.shape[1] // groups, dY.shape[1] // groups
        dY_rows = grouped(dY, groups, 1).swapaxes(0, 2).swapaxes(0, 1)
        dY_rows = dY_rows.reshape(groups, filters, -1)
        result: Any = np.empty((groups, filters, per_group, *(span.length for span in spans)))
        X_blocks = grouped(X, groups, 1).swapaxes(0, 1)
        for tap in product(*(range(span.length) for span in spans)):
            place = [span.start + t for span, t in zip(spans, tap, strict=True)]
            seen = X_blocks[(..., *_spots(place, self.step, self.spacing, outs))]
            rows = seen.swapaxes(1, 2).reshape(groups, per_group, -1)
            result[(..., *tap)] = dY_rows @ rows.swapaxes(1, 2)
        merged: Array = result.reshape(groups * filters, *result.shape[2:])
        return merged


@dataclass(frozen=True)
class OutputRecipe(Recipe):
    """Y: the padded input correlated with the filter, plus the bias.

    Y[n, o, i] = b[o] + sum over c, p of X[n, c, i*step + p*spacing - offset] * W[o, c, p]
    """

    offset: tuple[int, ...] = ()
    count: Callable[[int, Axis], Span] = lambda _, axis: Span(0, axis.output, axis.output)
    bias: Callable[[Array, Array], Array] = lambda Y, b: Y + b.reshape(-1, *[1] * (Y.ndim - 2))
    turned: tuple[str, int, int] | None = None

    def run(self, data: ConvData) -> Array:
        """The output this recipe gives."""
        X, W = _apply(self.inputs, data.X), _apply(self.filters, data.W)
        if self.turned:
            X, W = _turn(self.turned, "X", X), _turn(self.turned, "W", W)
        W = np.flip(W, self.flip) if self.flip else W
        outs = [self.count(j, axis).length for j, axis in enumerate(self.geometry.axes)]
        if min(outs) < 1:
            raise Impossible
        touched = _touched(self.step, outs, self.spacing, W.shape[2:])
        X = extended(X, [-o for o in self.offset], touched)
        groups, batch, per_group = self.groups, X.shape[0], X.shape[1] // self.groups
        X_blocks, W_blocks = grouped(X, groups, 1), grouped(W, groups, 0)
        Y: Any = 0.0
        for tap in np.ndindex(*W.shape[2:]):
            seen = X_blocks[(..., *_spots(tap, self.step, self.spacing, outs))]
            Y = Y + W_blocks[(..., *tap)] @ seen.reshape(batch, groups, per_group, -1)
        return self.finish(self.bias(Y.reshape(batch, W.shape[0], *outs), data.b))


def recipe_for(target: str, geometry: ConvGeometry) -> Any:
    """The right recipe of ``target`` (dX, dW or Y)."""
    common = (geometry, geometry.stride, geometry.dilation, geometry.groups)
    before = tuple(axis.before for axis in geometry.axes)
    if target == "dX":
        return InputRecipe(*common)
    return (WeightRecipe if target == "dW" else OutputRecipe)(*common, offset=before)


def stages_of(changes: dict[str, Any]) -> frozenset[str]:
    """The stages that ``changes`` touch."""
    return frozenset(STAGES[name] for name in changes)


def recipe_fields() -> set[str]:
    """The names a mistake may change (a guard for the catalogue's tests)."""
    kinds = (InputRecipe, WeightRecipe, OutputRecipe)
    return {field.name for kind in kinds for field in fields(kind)} - {"geometry"}


def _apply(change: Transform | None, array: Array) -> Array:
    return array if change is None else change(array)


def _turn(turned: tuple[str, int, int], name: str, array: Array) -> Array:
    return array.swapaxes(turned[1], turned[2]) if turned[0] == name else array


def _touched(
    step: Sequence[int], outs: Sequence[int], spacing: Sequence[int], kernel: Sequence[int]
) -> tuple[int, ...]:
    """Length of what the windows span, per axis."""
    return tuple(
        s * (o - 1) + d * (k - 1) + 1
        for s, o, d, k in zip(step, outs, spacing, kernel, strict=True)
    )


def _spots(
    tap: Sequence[int], step: Sequence[int], spacing: Sequence[int], outs: Sequence[int]
) -> tuple[Any, ...]:
    return tuple(strided(p * d, s, o) for p, s, d, o in zip(tap, step, spacing, outs, strict=True))


def _repeated(dY: Array, stride: Sequence[int]) -> Array:
    """dY blown up by repeating its entries (nearest neighbour) where zeros belong."""
    for axis, s in enumerate(stride, start=2):
        keep = s * (dY.shape[axis] - 1) + 1
        dY = np.repeat(dY, s, axis=axis).take(range(keep), axis=axis)
    return dY
