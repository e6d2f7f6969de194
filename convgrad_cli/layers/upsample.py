"""Upsampling (lecture 12): nearest neighbour and zero insertion, each beside its gradient.

    nearest   Y[i] = X[i // s]                   dX[i] = sum of dY over the block that X[i] fills
    zeros     Y[i*s] = X[i], 0 between           dX[i] = dY[i*s]

Zero insertion is what a stride does to the derivative map on the way back, and its gradient, taking
every s-th element, is what the stride does on the way forward. Both work on the last ``len(scale)``
axes.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.errors import GeometryError, ShapeError
from convgrad_cli.geometry.upsample import UPSAMPLINGS as MODES
from convgrad_cli.layers.sums import rounded_once, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.numbers import Array

UPSAMPLINGS: Final = MODES


def nearest(X: Array, scale: Sequence[int]) -> Array:
    """Every element repeated ``scale`` times along each of the last axes."""
    for axis, times in zip(range(-len(scale), 0), scale, strict=True):
        X = X.repeat(times, axis=axis)
    return X


def grad_nearest(dY: Array, scale: Sequence[int]) -> Array:
    """The sum of dY over each block.

    Raises ShapeError where ``scale`` does not divide the last axes.
    """
    sizes = dY.shape[dY.ndim - len(scale) :]
    if any(size % times for size, times in zip(sizes, scale, strict=True)):
        raise ShapeError(
            "dY has the wrong shape.",
            expected=f"multiples of {tuple(scale)} along the last axes",
            found=str(dY.shape),
            array="dY",
        )

    def summed(dY: Array) -> Array:
        corners = product(*map(range, scale))
        return total(*(dY[_every(corner, scale)] for corner in corners))

    return rounded_once(summed, dY)


def zeros(X: Array, scale: Sequence[int], size: Sequence[int] | None = None) -> Array:
    """X with ``scale - 1`` zeros between neighbours: (in−1)·s + 1 long, or ``size`` with zeros
    after.

    Raises GeometryError where ``size`` cannot hold the elements.
    """
    dims = len(scale)
    least = tuple((n - 1) * s + 1 for n, s in zip(X.shape[X.ndim - dims :], scale, strict=True))
    size = least if size is None else tuple(size)
    if any(given < needed for given, needed in zip(size, least, strict=True)):
        raise GeometryError(
            "The upsampled map is too small for its elements.",
            expected=f"at least {least}",
            found=str(tuple(size)),
        )
    Y = np.zeros((*X.shape[: X.ndim - dims], *size), X.dtype)
    Y[_taken(X, scale)] = X
    return Y


def grad_zeros(dY: Array, scale: Sequence[int], size: Sequence[int]) -> Array:
    """dX[i] = dY[i*s], for an X of ``size``: downsampling."""
    strided: Any = tuple(slice(0, (n - 1) * s + 1, s) for n, s in zip(size, scale, strict=True))
    return dY[(..., *strided)].copy()


def _taken(X: Array, scale: Sequence[int]) -> tuple[Any, ...]:
    sizes = X.shape[X.ndim - len(scale) :]
    return (..., *(slice(0, (n - 1) * s + 1, s) for n, s in zip(sizes, scale, strict=True)))


def _every(corner: Sequence[int], scale: Sequence[int]) -> tuple[Any, ...]:
    return (..., *(slice(start, None, step) for start, step in zip(corner, scale, strict=True)))
