"""Pooling of canonical arrays: maximum and average, each with its gradient.

    max      Y[n,c,i] = max over the real places of window i of X     dX += dY at that place
    average  Y[n,c,i] = sum over them / their number                  dX += dY / that number each

X (N, C, *in), dY (N, C, *out). Padding is never chosen as a maximum and never receives gradient.

Numbers: a max pool keeps X's dtype, its gradient has dY's and is exact on integers. Averages and
gradients split among ties turn integers into float64; float16 is computed in float32 and rounded
once. NaN, where it is let in, is above every number, as in PyTorch.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convgrad_cli.errors import UsageError
from convgrad_cli.layers.numbers import result_dtype, sum_of_products
from convgrad_cli.layers.pool_average import block_spread, block_sums, divisors
from convgrad_cli.layers.pool_blocks import Block, for_each_block
from convgrad_cli.layers.pool_max import block_max, block_scatter, block_split

if TYPE_CHECKING:
    from convgrad_cli.geometry import PoolGeometry
    from convgrad_cli.layers.numbers import Array

TIES = ("first", "last", "split")


class MaxPooled(NamedTuple):
    """Y, and for each window the flat index of its maximum in the spatial plane (int64)."""

    Y: Array
    switches: Array


def max_forward(X: Array, geometry: PoolGeometry, ties: str = "first") -> MaxPooled:
    """X (N, C, *in) -> Y (N, C, *out) and the switches."""
    _check_ties(ties)
    Y = np.empty(geometry.output_shape, result_dtype(X))
    switches = np.empty(geometry.output_shape, np.int64)

    def work(block: Block) -> None:
        x = _native(X[block], Y.dtype)
        Y[block], switches[block] = block_max(x, geometry, last=ties == "last")

    for_each_block(work, X.shape, X.itemsize)
    return MaxPooled(Y, switches)


def max_backward(X: Array, dY: Array, geometry: PoolGeometry, ties: str = "first") -> Array:
    """X (N, C, *in), dY (N, C, *out) -> dX (N, C, *in)."""
    if ties == "split":
        return _split(X, dY, geometry)
    return scatter(max_forward(X, geometry, ties).switches, dY, geometry)


def scatter(switches: Array, dY: Array, geometry: PoolGeometry) -> Array:
    """dX[n,c,x] = sum of dY over the windows of which the switch is x; integers exactly."""
    disjoint = all(axis.stride >= axis.extent for axis in geometry.axes)

    def compute(dY: Array, _: Array) -> Array:
        dX = np.empty(geometry.input_shape, dY.dtype)

        def work(block: Block) -> None:
            block_scatter(switches[block], dY[block], dX[block], disjoint=disjoint)

        for_each_block(work, dX.shape, dX.itemsize)
        return dX

    return sum_of_products(compute, dY, np.ones((), dY.dtype), terms=prod(geometry.kernel))


def count_ties(X: Array, geometry: PoolGeometry) -> int:
    """How many windows of X (N, C, *in) have more than one maximum."""
    ties = []

    def work(block: Block) -> None:
        x = _native(X[block], result_dtype(X))
        _, first = block_max(x, geometry, last=False)
        _, last = block_max(x, geometry, last=True)
        ties.append(np.count_nonzero(first != last))

    for_each_block(work, X.shape, X.itemsize)
    return int(sum(ties))


def avg_forward(X: Array, geometry: PoolGeometry, *, count_include_pad: bool = False) -> Array:
    """X (N, C, *in) -> Y (N, C, *out)."""
    Y = np.empty(geometry.output_shape, _quotient_dtype(X))
    working = _working(Y.dtype)
    divisor = divisors(geometry, count_include_pad=count_include_pad).astype(working)

    def work(block: Block) -> None:
        sums = block_sums(X[block].astype(working, copy=False), geometry)
        np.divide(sums, divisor, out=Y[block])

    for_each_block(work, X.shape, Y.itemsize)
    return Y


def avg_backward(dY: Array, geometry: PoolGeometry, *, count_include_pad: bool = False) -> Array:
    """dY (N, C, *out) -> dX (N, C, *in)."""
    dX = np.empty(geometry.input_shape, _quotient_dtype(dY))
    working = _working(dX.dtype)
    divisor = divisors(geometry, count_include_pad=count_include_pad).astype(working)

    def work(block: Block) -> None:
        target = dX[block] if dX.dtype == working else np.empty(dX[block].shape, working)
        block_spread(dY[block].astype(working, copy=False) / divisor, geometry, target)
        if target.dtype != dX.dtype:
            dX[block] = target

    for_each_block(work, dX.shape, dX.itemsize)
    return dX


def _split(X: Array, dY: Array, geometry: PoolGeometry) -> Array:
    dX = np.empty(geometry.input_shape, _quotient_dtype(dY))
    working = _working(dX.dtype)

    def work(block: Block) -> None:
        x = _native(X[block], result_dtype(X))
        maxima, _ = block_max(x, geometry, last=False)
        parts = np.zeros(x.shape, working)
        block_split(x, maxima, dY[block].astype(working, copy=False), parts, geometry)
        dX[block] = parts

    for_each_block(work, X.shape, max(X.itemsize, dX.itemsize))
    return dX


def _check_ties(ties: str) -> None:
    if ties not in TIES:
        raise UsageError(f"Unknown tie rule {ties!r}.", expected=f"one of {', '.join(TIES)}")


def _native(x: Array, dtype: np.dtype[Any]) -> Array:
    """x in native byte order; float16 as float32, which NumPy compares far faster."""
    return x.astype(_working(dtype), copy=False)


def _quotient_dtype(array: Array) -> np.dtype[Any]:
    return result_dtype(array) if array.dtype.kind == "f" else np.dtype(np.float64)


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype == np.float16 else dtype
