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

from convgrad_cli.layers.pool_blocks import at, input_steps, window_steps

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis, PoolGeometry
    from convgrad_cli.layers.numbers import Array


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
        shape = (*x.shape[:dim], axis.output, *x.shape[dim + 1 :])
        sums = np.empty(shape, x.dtype)
        for step in window_steps(axis):
            target, numbers = sums[at(step.out, dim)], x[at(step.input, dim)]
            if step.fresh:
                target[...] = numbers
            else:
                target += numbers
        x = sums
    return x


def block_spread(shares: Array, dX: Array, geometry: PoolGeometry) -> None:
    """dX = the sum of the shares of all windows over each input: the adjoint of block_sums."""
    for dim, axis in reversed([*enumerate(geometry.axes, start=2)]):
        shape = (*shares.shape[:dim], axis.size, *shares.shape[dim + 1 :])
        spread = np.zeros(shape, shares.dtype)
        for step in input_steps(axis):
            target, numbers = spread[at(step.input, dim)], shares[at(step.out, dim)]
            if step.fresh:
                target[...] = numbers
            else:
                target += numbers
        shares = spread
    dX[...] = shares


def _places(axis: Axis, *, count_include_pad: bool) -> Array:
    """The number of places of each window of one axis."""
    counts = np.zeros(axis.output, np.int64)
    if count_include_pad:  # the padding is then as good as input
        axis = replace(axis, size=axis.padded, before=0, after=0)
    for kernel in range(axis.kernel):
        span = axis.outputs_of_kernel(kernel)
        counts[span.start : span.stop] += 1
    return counts
