"""The plain pipeline of a pool: read the windows → choose → place back → accumulate → crop.

    weights[n, c, i, p]   how much of dY[n, c, i] goes to place p of window i: 1 at a maximum,
                          1 / divisor for an average
    dX_padded[n, c, i*place_step + p*place_spacing] += dY[n, c, i] * weights[n, c, i, p]

With the fields left as the geometry has them it gives the right array, sharing no code with the
layers. Arrays are canonical float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convgrad_cli.check.planes import Array, extended, strided
from convgrad_cli.check.recipes import Impossible, Span, Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.geometry import Axis, PoolGeometry


class PoolData(NamedTuple):
    """The arrays of one pool, canonical and in float64."""

    X: Array
    dY: Array


#: The stage each field belongs to.
POOL_STAGES = {
    "step": "windows",
    "spacing": "windows",
    "offset": "windows",
    "fill": "pad",
    "outs": "leftover",
    "choose": "choose",
    "divisor": "choose",
    "upstream": "upstream",
    "place_step": "place",
    "place_spacing": "place",
    "accumulate": "accumulate",
    "crop": "crop",
    "order": "order",
    "scale": "scale",
}


@dataclass(frozen=True)
class PoolRecipe:
    """dX (or Y, by :meth:`run_forward`) of a max or average pool."""

    geometry: PoolGeometry
    kind: str  # max | average
    choose: str = "first"  # first | last | split | all | column first | column last
    divisor: str = "inside"  # inside | padded | window: what an average divides by
    step: tuple[int, ...] = ()
    spacing: tuple[int, ...] = ()
    offset: tuple[int, ...] = ()
    fill: float = -np.inf
    outs: Callable[[int, Axis], int] = lambda _, axis: axis.output
    upstream: Transform | None = None
    place_step: tuple[int, ...] | None = None
    place_spacing: tuple[int, ...] | None = None
    accumulate: str = "add"  # add | last | last chosen | first
    crop: Callable[[int, Axis, int], Span] = lambda _, axis, touched: Span(
        axis.before, axis.size, axis.size
    )
    order: Transform | None = None
    scale: float = 1.0

    def changed(self, changes: dict[str, Any]) -> PoolRecipe:
        """The recipe with stages replaced."""
        return replace(self, **changes)

    def run(self, data: PoolData) -> Array:
        """The dX this recipe gives."""
        dY = data.dY if self.upstream is None else self.upstream(data.dY)
        outs = dY.shape[2:]
        weights = self._weights(data.X, outs)
        plane = self.scatter(dY, weights)
        touched = plane.shape[2:]
        spans = [self.crop(j, axis, touched[j]) for j, axis in enumerate(self.geometry.axes)]
        if min(span.length for span in spans) < 1:
            raise Impossible
        result = extended(plane, [s.start for s in spans], [s.length for s in spans])
        result = result if self.order is None else self.order(result)
        return result * self.scale if self.scale != 1.0 else result

    def run_forward(self, data: PoolData) -> Array:
        """The Y this recipe gives."""
        outs = [self.outs(j, axis) for j, axis in enumerate(self.geometry.axes)]
        if min(outs) < 1:
            raise Impossible
        if self.kind == "max":
            values = self.windows(data.X, outs, self.fill)
            Y = values.reshape(*values.shape[: 2 + len(outs)], -1).max(axis=-1)
        else:
            values = self.windows(data.X, outs, 0.0)
            Y = (values * self._weights(data.X, outs)).sum(
                axis=tuple(range(2 + len(outs), values.ndim))
            )
        Y = Y if self.order is None else self.order(Y)
        return np.asarray(Y * self.scale)

    def windows(self, X: Array, outs: Sequence[int], fill: float) -> Array:
        """(N, C, *out, *kernel): what every window sees."""
        seen = np.empty((*X.shape[:2], *outs, *self.geometry.kernel))
        for tap, view in self.taps(X, outs, fill):
            seen[(..., *tap)] = view
        return seen

    def taps(self, X: Array, outs: Sequence[int], fill: float) -> Iterator[tuple[Any, Array]]:
        """Every place in a window, with what all windows see there."""
        kernel = self.geometry.kernel
        lengths = [
            s * (o - 1) + d * (k - 1) + 1
            for s, o, d, k in zip(self.step, outs, self.spacing, kernel, strict=True)
        ]
        plane = extended(X, [-o for o in self.offset], lengths, fill)
        for tap in np.ndindex(*kernel):
            spots: Any = (..., *self._spots(tap, self.step, self.spacing, outs))
            yield tap, plane[spots]

    def _weights(self, X: Array, outs: Sequence[int]) -> Array:
        if self.kind == "max":
            return chosen(self.windows(X, outs, self.fill), len(outs), self.choose)
        inside = self.windows(np.ones((1, 1, *X.shape[2:])), outs, 0.0)
        return inside / self._divisors(inside, outs)

    def _divisors(self, inside: Array, outs: Sequence[int]) -> Array:
        if self.divisor == "window":
            return np.full((1,) * inside.ndim, float(prod(self.geometry.kernel)))
        if self.divisor == "padded":
            padded = [(axis.before, axis.after) for axis in self.geometry.axes]
            sizes = [
                axis.size + b + a for axis, (b, a) in zip(self.geometry.axes, padded, strict=True)
            ]
            whole = replace(self, offset=(0,) * len(sizes))
            inside = whole.windows(np.ones((1, 1, *sizes)), outs, 0.0)
        axes = tuple(range(2 + len(outs), inside.ndim))
        return np.asarray(np.maximum(inside.sum(axis=axes, keepdims=True), 1.0))

    def scatter(self, dY: Array, weights: Array) -> Array:
        outs, kernel = dY.shape[2:], self.geometry.kernel
        step, spacing = self.place_step or self.step, self.place_spacing or self.spacing
        lengths = [
            s * (o - 1) + d * (k - 1) + 1
            for s, o, d, k in zip(step, outs, spacing, kernel, strict=True)
        ]
        plane = np.zeros((*dY.shape[:2], *lengths))
        taps = list(np.ndindex(*kernel))
        for tap in taps if self.accumulate == "first" else reversed(taps):
            part = dY * weights[(..., *tap)]
            if 0 in step:  # every window writes to the same place
                plane[(..., *tap)] += part.sum(axis=tuple(range(2, part.ndim)))
                continue
            spots: Any = (..., *self._spots(tap, step, spacing, outs))
            if self.accumulate == "add":
                plane[spots] += part
            elif self.accumulate in ("last chosen", "first"):
                plane[spots] = np.where(weights[(..., *tap)] != 0, part, plane[spots])
            else:
                plane[spots] = part
        return plane

    @staticmethod
    def _spots(
        tap: Sequence[int], step: Sequence[int], spacing: Sequence[int], outs: Sequence[int]
    ) -> tuple[Any, ...]:
        return tuple(
            strided(p * d, s, o) for p, s, d, o in zip(tap, step, spacing, outs, strict=True)
        )


def chosen(windows: Array, dims: int, choose: str) -> Array:
    """Which place of each window (N, C, *out, *kernel) gets how much, by a tie rule."""
    kernel = windows.shape[2 + dims :]
    leading = windows.shape[: 2 + dims]
    if choose in ("all", "split"):
        places = tuple(range(2 + dims, windows.ndim))
        best = windows == windows.max(axis=places, keepdims=True)
        weights = best.astype(float)
        if choose == "split":
            weights = np.asarray(weights / weights.sum(axis=places, keepdims=True))
        return np.asarray(weights)
    turned = [*range(2 + dims), *reversed(range(2 + dims, windows.ndim))]
    by_column = choose.startswith("column")
    flat = (windows.transpose(turned) if by_column else windows).reshape(*leading, -1)
    last = choose.endswith("last")
    place = flat[..., ::-1].argmax(axis=-1) if last else flat.argmax(axis=-1)
    place = flat.shape[-1] - 1 - place if last else place
    weights = np.zeros(flat.shape)
    np.put_along_axis(weights, place[..., np.newaxis], 1.0, axis=-1)
    if not by_column:
        return weights.reshape(windows.shape)
    return weights.reshape(*leading, *reversed(kernel)).transpose(turned)


def pool_recipe(
    geometry: PoolGeometry, kind: str, ties: str, *, count_include_pad: bool
) -> PoolRecipe:
    """The right recipe."""
    return PoolRecipe(
        geometry,
        kind,
        choose=ties,
        divisor="padded" if count_include_pad else "inside",
        step=geometry.stride,
        spacing=geometry.dilation,
        offset=tuple(axis.before for axis in geometry.axes),
    )
