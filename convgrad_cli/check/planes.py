"""Zero-extended planes: the one index operation all mistaken pipelines are written with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def extended(
    array: Array, starts: Sequence[int], lengths: Sequence[int], fill: float = 0.0
) -> Array:
    """``array`` thought infinite along its last axes, from ``starts`` on, ``lengths`` long.

    Outside the array stands ``fill``; padding, cropping and shifting are all this one operation.
    """
    dims = len(starts)
    result = np.full((*array.shape[:-dims], *lengths), fill, dtype=array.dtype)
    source: list[Any] = []
    target: list[Any] = []
    for start, length, size in zip(starts, lengths, array.shape[-dims:], strict=True):
        low, high = max(start, 0), min(start + length, size)
        if low >= high:
            return result
        source.append(slice(low, high))
        target.append(slice(low - start, high - start))
    result[(..., *target)] = array[(..., *source)]
    return result


def strided(first: int, step: int, count: int) -> slice:
    """The slice of ``count`` positions from ``first`` on, ``step`` apart."""
    return slice(first, first + step * (count - 1) + 1, step)


def grouped(array: Array, groups: int, axis: int) -> Array:
    """``array`` with its channel axis split into (groups, channels per group) (a view)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
