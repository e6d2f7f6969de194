"""Average pooling of a block of planes: sums along one axis after the other, and their adjoint.

    Y[o] = sum of X over the real places of window o, divided by their number
    dX[x] = sum over the windows that hold x of dY[o] / the number of places of o

The number of places of a window is a product of one number per axis, the padding counted where
``count_include_pad`` asks for it; what hangs over the padding's end in ceil mode never counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.pool_segments import at, input_segments, window_segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.geometry import Axis, PoolGeometry
    from convgrad_cli.layers.numbers import Array
    from convgrad_cli.layers.pool_segments import Segment


def divisors(geometry: PoolGeometry, *, count_include_pad: bool) -> Array:
    """How many places each window divides by, (1, 1, *out), or (1, 1, 1…) where all are alike."""
    total = np.ones((1,) * (geometry.dims + 2), np.int64)
    for dim, axis in enumerate(geometry.axes, start=2):
        counts = _places(axis, count_include_pad=count_include_pad)
        counts = counts[:1] if (counts == counts[0]).all() else counts
        total = total * counts.reshape([-1 if i == dim else 1 for i in range(total.ndim)])
    return total


def block_sums(x: Array, geometry: PoolGeometry) -> Array:
    """The sum of every window of x (n, c, *in) over its real places."""
    for dim, axis in enumerate(geometry.axes, start=2):
        x = _sums(x, window_segments(axis), dim, axis.output)
    return x


def block_spread(shares: Array, geometry: PoolGeometry, dX: Array) -> None:
    """dX = the sum of the shares (n, c, *out) of all windows over each input.

    The adjoint of :func:`block_sums`; dX has the dtype of the shares.
    """
    for dim, axis in reversed([*enumerate(geometry.axes, start=2)]):
        into = dX if dim == 2 else None
        shares = _sums(shares, input_segments(axis), dim, axis.size, into)


def _sums(
    source: Array,
    segments: Iterable[Segment],
    dim: int,
    length: int,
    into: Array | None = None,
) -> Array:
    """Along axis ``dim``, now ``length`` long, every segment's sum of its sources."""
    shape = (*source.shape[:dim], length, *source.shape[dim + 1 :])
    sums = np.empty(shape, source.dtype) if into is None else into
    for place, sources in segments:
        target = sums[at(place, dim)]
        total = source[at(sources[0], dim)] if sources else 0
        if len(sources) < 2:
            target[...] = total
        for term in sources[1:]:
            total = np.add(total, source[at(term, dim)], out=target)
    return sums


def _places(axis: Axis, *, count_include_pad: bool) -> Array:
    """The number of places of each window of one axis."""
    counts = np.zeros(axis.output, np.int64)
    if count_include_pad:  # the padding is then as good as input
        axis = replace(axis, size=axis.padded, before=0, after=0)
    for place, sources in window_segments(axis):
        counts[place] = len(sources)
    return counts
