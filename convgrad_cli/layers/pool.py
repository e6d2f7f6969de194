"""Pooling of arrays in any rank and layout: maximum and average, forward and backward.

``max_pool``, ``avg_pool`` and their ``_backward`` take the arrays and the options; the
``planned_`` functions the arrays and their plan. What is computed, and in which numbers, is in
:mod:`convgrad_cli.layers.pool_planes`.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

import numpy as np

from convgrad_cli.errors import DataError, ShapeError
from convgrad_cli.geometry import plan_pool
from convgrad_cli.layers.numbers import numeric
from convgrad_cli.layers.pool_planes import (
    MaxPooled,
    avg_backward,
    avg_forward,
    max_backward,
    max_forward,
    scatter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.geometry import Padding, PoolPlan
    from convgrad_cli.layers.numbers import Array


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
