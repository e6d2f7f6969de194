"""Max pooling of a block of planes: the greatest number of every window and where it stands.

A window is a product of axes, so its maximum is a maximum along one axis after the other, at a
cost of kH + kW and not kH * kW. Going from the last axis to the first, and keeping the earlier
place unless a later one is greater, finds the row-major first of equal maxima: the first column
of every row, then the first row.

The place travels with the value as its flat position in the plane, a small unsigned integer, and
the better candidate is taken without a branch: place += (candidate - place) * wins, where wrapping
cancels.

Padding is minus infinity, that is, it is never looked at. So even a window of nothing but minus
infinity has its maximum in the input.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.layers.pool_blocks import at, window_boxes, window_steps

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis, PoolGeometry
    from convgrad_cli.layers.numbers import Array


def plane_positions(geometry: PoolGeometry) -> Array:
    """The flat position of every place of a plane, in the smallest integers that hold it."""
    count = prod(geometry.input_size)
    positions = np.arange(count, dtype=np.min_scalar_type(count - 1))
    return positions.reshape(1, 1, *geometry.input_size)


def block_max(x: Array, geometry: PoolGeometry, *, last: bool) -> tuple[Array, Array]:
    """(values, flat positions) of the maxima of x (n, c, *in); the last of equal ones if asked.

    NaN is above every number, as in PyTorch; equal NaNs are a tie like any other.
    """
    values, places = _maxima(x, geometry, last=last, nans=False)
    if x.dtype.kind == "f" and np.isnan(values).any():
        values, places = _maxima(x, geometry, last=last, nans=True)
    return values, places


def _maxima(
    values: Array, geometry: PoolGeometry, *, last: bool, nans: bool
) -> tuple[Array, Array]:
    places = plane_positions(geometry)
    for dim, axis in reversed([*enumerate(geometry.axes, start=2)]):
        values, places = _along_axis(values, places, axis, dim, last=last, nans=nans)
    return values, places


def _along_axis(
    values: Array, places: Array, axis: Axis, dim: int, *, last: bool, nans: bool
) -> tuple[Array, Array]:
    shape = (*values.shape[:dim], axis.output, *values.shape[dim + 1 :])
    best, where = np.empty(shape, values.dtype), np.empty(shape, places.dtype)
    for step in window_steps(axis):
        out, inputs = at(step.out, dim), at(step.input, dim)
        if step.fresh:
            best[out], where[out] = values[inputs], places[inputs]
            continue
        # Two passes over strided numbers cost more than bringing them together first.
        candidate = np.ascontiguousarray(values[inputs])
        wins = _wins(candidate, best[out], last=last, nans=nans)
        np.maximum(best[out], candidate, out=best[out])
        better = places[inputs] - where[out]
        better *= wins
        where[out] += better
    return best, where


def _wins(candidate: Array, best: Array, *, last: bool, nans: bool) -> Array:
    """Whether a later candidate replaces the best so far."""
    if not nans:
        return np.greater_equal(candidate, best) if last else np.greater(candidate, best)
    if last:
        return (candidate >= best) | np.isnan(candidate)
    return ~(candidate <= best) & ~np.isnan(best)


def block_scatter(places: Array, dY: Array, dX: Array) -> None:
    """dX += every dY at the flat position its window chose; all (n, c, *), dX zero before."""
    planes, size = prod(dX.shape[:2]), prod(dX.shape[2:])
    flat = places.reshape(planes, -1) + np.arange(planes)[:, np.newaxis] * size
    if dY.dtype in (np.float32, np.float64):
        # Summed in doubles, whatever the number of windows that share a maximum.
        sums = np.bincount(flat.ravel(), weights=dY.ravel(), minlength=planes * size)
    else:
        sums = np.zeros(planes * size, dY.dtype)
        np.add.at(sums, flat.ravel(), dY.ravel())
    dX[...] = sums.reshape(dX.shape)


def block_split(x: Array, maxima: Array, dY: Array, dX: Array, geometry: PoolGeometry) -> None:
    """dX += dY in equal parts for all places that hold their window's maximum."""
    count = np.zeros(maxima.shape, dY.dtype)
    for out, inputs in window_boxes(geometry.axes):
        count[out] += _equal(x[inputs], maxima[out])
    share = dY / count
    for out, inputs in window_boxes(geometry.axes):
        np.add(dX[inputs], share[out], out=dX[inputs], where=_equal(x[inputs], maxima[out]))


def _equal(numbers: Array, maxima: Array) -> Any:
    return (numbers == maxima) | (np.isnan(numbers) & np.isnan(maxima))
