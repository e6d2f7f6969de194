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

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.layers.pool_phases import phase_max
from convgrad_cli.layers.pool_segments import at, window_segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.geometry import Axis, PoolGeometry
    from convgrad_cli.layers.numbers import Array


# Below so many numbers, the passes over phases cost more to start than they save.
PHASES_FROM = 2**13


def block_max(x: Array, geometry: PoolGeometry, *, last: bool) -> tuple[Array, Array]:
    """(values, flat positions) of the maxima of x (n, c, *in); the last of equal ones if asked.

    NaN is above every number, as in PyTorch; equal NaNs are a tie like any other.
    """
    fast = phase_max(x, geometry, last=last) if x.size >= PHASES_FROM else None
    return fast or segment_max(x, geometry, last=last)


def segment_max(values: Array, geometry: PoolGeometry, *, last: bool) -> tuple[Array, Array]:
    """The same whatever the numbers, at some cost in speed."""
    count = prod(geometry.input_size)
    places = np.arange(count, dtype=np.min_scalar_type(count - 1))
    places = places.reshape(1, 1, *geometry.input_size)
    for dim, axis in reversed([*enumerate(geometry.axes, start=2)]):
        values, places = _along_axis(values, places, axis, dim, last=last)
    return values, places


def _along_axis(
    values: Array, places: Array, axis: Axis, dim: int, *, last: bool
) -> tuple[Array, Array]:
    """The maxima of every run of one axis, and the places they brought along."""
    shape = (*values.shape[:dim], axis.output, *values.shape[dim + 1 :])
    best, where = np.empty(shape, values.dtype), np.empty(shape, places.dtype)
    for target, sources in window_segments(axis):
        top, spot = best[at(target, dim)], where[at(target, dim)]
        value, place = values[at(sources[0], dim)], places[at(sources[0], dim)]
        if len(sources) == 1:
            top[...], spot[...] = value, place
        for source in sources[1:]:
            candidate, its_place = values[at(source, dim)], places[at(source, dim)]
            wins = _wins(candidate, value, last=last)
            value = np.maximum(value, candidate, out=top)
            place = np.add(place, (its_place - place) * wins, out=spot)
    return best, where


def _wins(candidate: Array, best: Array, *, last: bool) -> Any:
    """Whether a later candidate replaces the best so far."""
    if candidate.dtype.kind != "f":
        return candidate >= best if last else candidate > best
    if last:
        return (candidate >= best) | np.isnan(candidate)
    return ~(candidate <= best) & ~np.isnan(best)


def block_scatter(places: Array, dY: Array, dX: Array, *, disjoint: bool) -> None:
    """dX = for every position the sum of the dY whose window chose it; all (n, c, *).

    Where windows are disjoint, no position is chosen twice.
    """
    planes, size = prod(dX.shape[:2]), prod(dX.shape[2:])
    flat = (places.reshape(planes, -1) + np.arange(planes)[:, np.newaxis] * size).ravel()
    if disjoint:
        sums = np.zeros(planes * size, dY.dtype)
        sums[flat] = dY.ravel()
    elif dY.dtype in (np.float32, np.float64):
        # In doubles, however many windows share a maximum.
        sums = np.bincount(flat, weights=dY.ravel(), minlength=planes * size)
    else:
        sums = np.zeros(planes * size, dY.dtype)
        np.add.at(sums, flat, dY.ravel())
    dX[...] = sums.reshape(dX.shape)


def block_split(x: Array, maxima: Array, dY: Array, dX: Array, geometry: PoolGeometry) -> None:
    """dX += dY in equal parts for all places that hold their window's maximum."""
    count = np.zeros(maxima.shape, dY.dtype)
    for out, inputs in _boxes(geometry):
        count[out] += _equal(x[inputs], maxima[out])
    share = dY / count
    for out, inputs in _boxes(geometry):
        np.add(dX[inputs], share[out], out=dX[inputs], where=_equal(x[inputs], maxima[out]))


def _boxes(geometry: PoolGeometry) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """For runs of windows alike along every axis, and each of their places: (windows, inputs)."""
    for runs in product(*map(window_segments, geometry.axes)):
        for sources in product(*(run.sources for run in runs)):
            yield (..., *(run.target for run in runs)), (..., *sources)


def _equal(numbers: Array, maxima: Array) -> Any:
    return (numbers == maxima) | (np.isnan(numbers) & np.isnan(maxima))
