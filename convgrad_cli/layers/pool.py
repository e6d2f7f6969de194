"""Pooling: maximum and average, forward and backward, in 1, 2 and 3 dimensions.

    max      Y[n,c,i] = max over the real places of window i of X     dX += dY at that place
    average  Y[n,c,i] = sum over them / their number                  dX += dY / that number each

``max_pool``, ``avg_pool`` and their ``_backward`` take arrays in any rank and layout of the
contract; the ``planned_`` functions a plan besides; ``max_forward``, ``max_backward``,
``avg_forward`` and ``avg_backward`` canonical arrays, X (N, C, *in), dY (N, C, *out), and their
geometry. Padding is never chosen as a maximum and never receives gradient.

Numbers: a max pool keeps X's dtype, its gradient has dY's and is exact on integers. Averages and
gradients split among ties turn integers into float64; float16 is computed in float32 and rounded
once. NaN, where it is let in, is above every number, as in PyTorch.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from convgrad_cli.errors import DataError, ShapeError, UsageError
from convgrad_cli.geometry import plan_pool
from convgrad_cli.layers.numbers import numeric, result_dtype, sum_of_products
from convgrad_cli.layers.pool_average import block_spread, block_sums, divisors
from convgrad_cli.layers.pool_blocks import Block, for_each_block
from convgrad_cli.layers.pool_max import block_max, block_scatter, block_split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.geometry import Padding, PoolGeometry, PoolPlan
    from convgrad_cli.layers.numbers import Array

TIES = ("first", "last", "split")


class MaxPooled(NamedTuple):
    """Y, and for each window the flat index of its maximum in the spatial plane (int64)."""

    Y: Array
    switches: Array


def max_pool(
    X: ArrayLike,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    ties: str = "first",
    dims: int | None = None,
    layout: str = "nchw",
) -> MaxPooled:
    """Y and the switches of a max pool over X; the stride is the window unless given.

    A switch is the flat index of the maximum in X's spatial plane (PyTorch's ``return_indices``):
    the row-major first of equal maxima, the last with ties="last", the first with "split".
    Raises ShapeError, GeometryError, UsageError, or DataError for arrays that hold no numbers.

    >>> max_pool([[1, 5, 2], [4, 3, 6]], (2, 2), stride=1)
    MaxPooled(Y=array([[5, 6]]), switches=array([[1, 5]]))
    """
    X = numeric(X, "X")
    plan = _plan(X, window, stride, padding, dilation, ceil_mode, dims, layout)
    return planned_max(plan, X, ties)


def max_pool_backward(
    X: ArrayLike,
    dY: ArrayLike,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    ties: str = "first",
    dims: int | None = None,
    layout: str = "nchw",
    switches: ArrayLike | None = None,
) -> Array:
    """dX of a max pool, in the shape of X.

    Each dY goes to the first maximum of its window, to the last, or in equal parts to all of them
    (``ties``). ``switches`` of the forward pass, where given, save finding the maxima again.
    Raises as :func:`max_pool`, and ShapeError for a dY that is not the output's shape.
    """
    X, dY = numeric(X, "X"), numeric(dY, "dY")
    plan = _plan(X, window, stride, padding, dilation, ceil_mode, dims, layout)
    given = None if switches is None else numeric(switches, "switches")
    return planned_max_backward(plan, X, dY, ties, given)


def avg_pool(
    X: ArrayLike,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    dims: int | None = None,
    layout: str = "nchw",
) -> Array:
    """Y of an average pool over X; the stride is the window unless given.

    A window divides by the number of its real places, or with ``count_include_pad`` by those in
    the padding too. Raises as :func:`max_pool`.

    >>> avg_pool([[1, 5, 2], [4, 2, 6]], (2, 2), stride=1)
    array([[3.  , 3.75]])
    """
    X = numeric(X, "X")
    plan = _plan(X, window, stride, padding, dilation, ceil_mode, dims, layout)
    return planned_avg(plan, X, count_include_pad=count_include_pad)


def avg_pool_backward(
    X: ArrayLike,
    dY: ArrayLike,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    dims: int | None = None,
    layout: str = "nchw",
) -> Array:
    """dX of an average pool, in the shape of X, of which only the shape matters.

    Raises as :func:`max_pool`, and ShapeError for a dY that is not the output's shape.
    """
    X, dY = numeric(X, "X"), numeric(dY, "dY")
    plan = _plan(X, window, stride, padding, dilation, ceil_mode, dims, layout)
    return planned_avg_backward(plan, dY, count_include_pad=count_include_pad)


def planned_max(plan: PoolPlan, X: Array, ties: str = "first") -> MaxPooled:
    """Y and the switches for an X in the plan's rank and layout."""
    Y, switches = max_forward(plan.X.to_canonical(X), plan.geometry, ties)
    return MaxPooled(plan.Y.from_canonical(Y), plan.Y.from_canonical(switches))


def planned_max_backward(
    plan: PoolPlan, X: Array, dY: Array, ties: str = "first", switches: Array | None = None
) -> Array:
    """dX for arrays in the plan's rank and layout."""
    X, dY = plan.X.to_canonical(X), plan.canonical_upstream(dY)
    if switches is not None and ties != "split":
        _check_switches(switches, plan)
        dX = scatter(plan.Y.to_canonical(switches), dY, plan.geometry)
    else:
        dX = max_backward(X, dY, plan.geometry, ties)
    return cast("Array", plan.X.from_canonical(dX))


def planned_avg(plan: PoolPlan, X: Array, *, count_include_pad: bool = False) -> Array:
    """Y for an X in the plan's rank and layout."""
    X = plan.X.to_canonical(X)
    Y = avg_forward(X, plan.geometry, count_include_pad=count_include_pad)
    return cast("Array", plan.Y.from_canonical(Y))


def planned_avg_backward(plan: PoolPlan, dY: Array, *, count_include_pad: bool = False) -> Array:
    """dX for a dY in the plan's rank and layout."""
    dY = plan.canonical_upstream(dY)
    dX = avg_backward(dY, plan.geometry, count_include_pad=count_include_pad)
    return cast("Array", plan.X.from_canonical(dX))


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


def _plan(
    X: Array,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: Padding,
    dilation: int | Sequence[int],
    ceil_mode: bool,
    dims: int | None,
    layout: str,
) -> PoolPlan:
    return plan_pool(
        X.shape,
        window,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
        dims=dims,
        layout=layout,
    )


def _check_ties(ties: str) -> None:
    if ties not in TIES:
        raise UsageError(f"Unknown tie rule {ties!r}.", expected=f"one of {', '.join(TIES)}")


def _check_switches(switches: Array, plan: PoolPlan) -> None:
    if switches.shape != plan.output_shape:
        raise ShapeError(
            "The switches have the wrong shape.",
            expected=f"{plan.output_shape}   one for each element of Y",
            found=str(switches.shape),
            array="switches",
        )
    places = prod(plan.geometry.input_size)
    whole = switches.dtype.kind in "iu"
    # Unsigned, a negative index is a huge one, and one pass finds both faults.
    if not whole or switches.astype(np.int64, copy=False).view(np.uint64).max() >= places:
        raise DataError(
            "The switches are not flat indices into X's spatial plane.",
            expected=f"whole numbers from 0 to {places - 1}",
            found=f"{switches.min()} to {switches.max()}, dtype {switches.dtype}",
            array="switches",
        )


def _native(x: Array, dtype: np.dtype[Any]) -> Array:
    """x in native byte order; float16 as float32, which NumPy compares far faster."""
    return x.astype(_working(dtype), copy=False)


def _quotient_dtype(array: Array) -> np.dtype[Any]:
    return result_dtype(array) if array.dtype.kind == "f" else np.dtype(np.float64)


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype == np.float16 else dtype
