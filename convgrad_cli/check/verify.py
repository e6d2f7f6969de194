"""``--verify``: the result against a forward pass written straight from the definition.

A layer is linear in each of its arrays (a max pool once its switches are fixed), so for any
direction V

    ⟨dY, f(V)⟩ = ⟨gradient, V⟩,

where f is the forward pass with V in that array's place. A few random ±1 directions, a few forward
passes in all. The forward passes here share nothing with the numeric kernels or geometry's taps:
they read sizes off the geometry's options and slide the filter over an explicitly padded array.
Exact for integers; for floats the deviation is measured against the size rounding would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from convgrad_cli.geometry import ConvGeometry, Geometry, PoolGeometry

Array: TypeAlias = np.ndarray[Any, Any]

DIRECTIONS = 3
"""Random directions per gradient; one alone misses a wrong pair of equal and opposite errors
half of the time."""

SLACK = 64.0
"""Allowed deviation in units of (machine epsilon × the root mean square of rounding's reach)."""


@dataclass(frozen=True)
class Deviation:
    """|⟨dY, f(V)⟩ − ⟨gradient, V⟩|, the largest over the directions, and what rounding allows."""

    largest: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether rounding explains the deviation; a NaN never passes."""
        return self.largest <= self.allowed


@dataclass(frozen=True)
class Verification:
    """The verdict on every gradient checked."""

    deviations: Mapping[str, Deviation]

    @property
    def passed(self) -> bool:
        """Whether all passed."""
        return all(deviation.passed for deviation in self.deviations.values())

    def as_dict(self) -> dict[str, object]:
        """The contract's ``verify`` object."""
        return {
            "passed": self.passed,
            "directions": DIRECTIONS,
            "largest_deviation": max(d.largest for d in self.deviations.values()),
            "gradients": {
                name: {"passed": d.passed, "deviation": d.largest, "allowed": d.allowed}
                for name, d in self.deviations.items()
            },
        }


def verify_conv(
    X: Array, W: Array, dY: Array, gradients: Mapping[str, Array], geometry: ConvGeometry
) -> Verification:
    """Check dX, dW, db (those given) of a convolution. All arrays canonical."""
    products = geometry.channels_per_group * prod(geometry.kernel)
    X, W = _wide(X, products), _wide(W, products)
    forwards: dict[str, Callable[[Array, Callable[[Array], Array]], Array]] = {
        "dX": lambda V, size: _correlate(V, size(W), geometry),
        "dW": lambda V, size: _correlate(size(X), V, geometry),
        "db": lambda V, size: np.broadcast_to(
            V.reshape(1, -1, *(1,) * geometry.dims), geometry.output_shape
        ),
    }
    return Verification(
        {name: _deviation(forwards[name], dY, gradient) for name, gradient in gradients.items()}
    )


def verify_max_pool(
    X: Array, dY: Array, dX: Array, geometry: PoolGeometry, ties: str
) -> Verification:
    """Check a max pool's dX; where each window's maximum lies is found here once more."""
    shares = _shares(_wide(X, prod(geometry.kernel)), geometry, ties)

    def forward(V: Array, size: Callable[[Array], Array]) -> Array:
        windows = zip(shares, _slides(_padded(V, geometry, 0), geometry), strict=True)
        return sum((share * window for share, (_, window) in windows), start=np.zeros((), V.dtype))

    return Verification({"dX": _deviation(forward, dY, dX)})


def verify_average_pool(
    dY: Array, dX: Array, geometry: PoolGeometry, *, count_include_pad: bool
) -> Verification:
    """Check an average pool's dX."""
    inside = np.ones((1, 1, *geometry.input_size))
    counted = _padded(inside, geometry, 0)
    if count_include_pad:
        whole: Any = [slice(0, sum(sides) + n) for sides, n in _sides_and_sizes(geometry)]
        counted[(slice(None), slice(None), *whole)] = 1.0
    divisor = sum(window for _, window in _slides(counted, geometry))

    def forward(V: Array, size: Callable[[Array], Array]) -> Array:
        windows = _slides(_padded(V, geometry, 0), geometry)
        return sum((window for _, window in windows), start=np.zeros(())) / divisor

    return Verification({"dX": _deviation(forward, dY, dX)})


def _deviation(
    forward: Callable[[Array, Callable[[Array], Array]], Array], dY: Array, gradient: Array
) -> Deviation:
    """The largest deviation over the directions, and the allowance.

    Each gradient element e is a sum of products of total size S_e, rounded to about eps·S_e, so a
    direction collects about eps·sqrt(Σ S_e²); the same ±1 direction through the layer of absolute
    values has just that root mean square.
    """
    directions = np.random.default_rng(0)
    largest, reach = 0.0, 0.0
    exact = gradient.dtype.kind in "iu"
    for _ in range(DIRECTIONS):
        V = (directions.integers(0, 2, gradient.shape) * 2 - 1).astype(float)
        left = _inner(dY, forward(V, _as_it_is), exact=exact)
        right = _inner(gradient, V, exact=exact)
        largest = max(largest, abs(float(left - right)), key=_nan_is_largest)
        if not exact:
            reach = max(reach, abs(_inner(abs(dY), forward(V, abs), exact=False)))
    epsilon = 0.0 if exact else float(np.finfo(gradient.dtype).eps)
    return Deviation(largest, SLACK * epsilon * reach)


def _correlate(X: Array, W: Array, geometry: ConvGeometry) -> Array:
    """Y[n,o,i] = sum over c, p of X_padded[n,c,i*s + p*d] W[o,c,p], group by group."""
    groups = geometry.groups
    padded = _padded(X, geometry, 0)
    blocks = zip(np.split(padded, groups, axis=1), np.split(W, groups, axis=0), strict=True)
    outputs = []
    for block, filters in blocks:
        Y: Any = 0
        for place, window in _slides(block, geometry):
            at: Any = (slice(None), slice(None), *place)
            taps = filters[at]  # (K/g, C/g)
            Y = Y + np.moveaxis(np.tensordot(taps, window, axes=(1, 1)), 0, 1)
        outputs.append(Y)
    return np.concatenate(outputs, axis=1)


def _shares(X: Array, geometry: PoolGeometry, ties: str) -> list[Array]:
    """Per window position, the share of the window's gradient it receives."""
    lowest = min(X.min() - 1, 0) if X.dtype.kind == "O" else -np.inf
    inside = _padded(np.ones((1, 1, *geometry.input_size), dtype=bool), geometry, False)
    windows = [window for _, window in _slides(_padded(X, geometry, lowest), geometry)]
    members = [window for _, window in _slides(inside, geometry)]
    top = windows[0]
    for window in windows[1:]:
        top = np.maximum(top, window)
    hits = [(window == top) & member for window, member in zip(windows, members, strict=True)]
    if ties == "split":
        count = sum(hit.astype(float) for hit in hits)
        return [hit / count for hit in hits]
    order = range(len(hits)) if ties == "first" else reversed(range(len(hits)))
    taken = np.zeros(top.shape, dtype=bool)
    for place in order:
        hits[place] = hits[place] & ~taken
        taken |= hits[place]
    return [hit.astype(X.dtype if X.dtype.kind == "O" else float) for hit in hits]


def _padded(X: Array, geometry: Geometry, fill: Any) -> Array:
    """X with its padding, and as far again as the last window of a ceil mode hangs over."""
    sides = []
    for axis, (before, after) in zip(range(geometry.dims), geometry.padding, strict=True):
        last = (geometry.output_size[axis] - 1) * geometry.stride[axis]
        span = geometry.dilation[axis] * (geometry.kernel[axis] - 1) + 1
        sides.append((before, max(after, last + span - before - geometry.input_size[axis])))
    return np.pad(X, [(0, 0), (0, 0), *sides], constant_values=fill)


def _slides(padded: Array, geometry: Geometry) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For every filter position, row-major: the padded values it meets, one per output."""
    for place in product(*map(range, geometry.kernel)):
        cut = [
            slice(k * d, k * d + (out - 1) * s + 1, s)
            for k, d, s, out in zip(
                place, geometry.dilation, geometry.stride, geometry.output_size, strict=True
            )
        ]
        yield place, padded[(slice(None), slice(None), *cut)]


def _sides_and_sizes(geometry: Geometry) -> Iterator[tuple[tuple[int, int], int]]:
    return zip(geometry.padding, geometry.input_size, strict=True)


def _wide(array: Array, products: int) -> Array:
    """As float64; integers whose sums of ``products`` terms it cannot hold, as Python integers."""
    if array.dtype.kind in "iu" and _size(array) * products >= 2**53:
        return array.astype(object)
    return array.astype(float)


def _inner(a: Array, b: Array, *, exact: bool) -> Any:
    """⟨a, b⟩, in integers where they must not round."""
    if not exact:
        return float(np.vdot(a.astype(float), b.astype(float)))
    whole = object if _size(a) * _size(b) * a.size >= 2**63 else np.int64
    return int((a.astype(whole) * b.astype(whole)).sum())


def _size(array: Array) -> int:
    """The largest absolute value, as a Python integer (or the next above)."""
    return max(abs(int(array.min())), abs(int(array.max())))


def _as_it_is(array: Array) -> Array:
    return array


def _nan_is_largest(value: float) -> float:
    return float("inf") if value != value else value
