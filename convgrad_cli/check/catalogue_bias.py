"""The catalogue for db: rows B1 to B4. The pipeline is one sum, so a mistake is a function of dY.

Right: db[o] = sum over n, i of dY[n, o, i].
"""

from __future__ import annotations

from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from convgrad_cli.check.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.geometry.transposed import TransposedGeometry

    Biased: TypeAlias = ConvGeometry | TransposedGeometry

AXIS_WORDS = ("batch", "channel")


def bias_mistakes(geometry: Biased) -> list[Mistake]:
    """Every reading of every row that this geometry has room for."""
    return [*_means(geometry), *_wrong_axes(geometry), *_shapes(geometry), *_too_often(geometry)]


def run_bias(changes: dict[str, Callable[[Array], Array]], dY: Array) -> Array:
    """The db that ``changes`` (stages ``sum``, ``order`` and ``scale``) give."""
    total = changes.get("sum", right_sum)(dY)
    for stage in ("order", "scale"):
        if stage in changes:
            total = changes[stage](total)
    return total


def right_sum(dY: Array) -> Array:
    """The sum over the batch and all positions."""
    return np.asarray(dY.sum(axis=(0, *range(2, dY.ndim))))


def _mistake(
    id: str, phrase: str, fix: str, stage: str, change: Callable[[Array], Array]
) -> Mistake:
    return Mistake(id, phrase, fix, {stage: change}, frozenset({stage}))


def _means(geometry: Biased) -> Iterator[Mistake]:
    places = prod(geometry.output_size)
    seen = {1}
    for what, count in (
        ("batch", geometry.batch),
        ("positions", places),
        ("batch and positions", geometry.batch * places),
    ):
        if count not in seen:
            seen.add(count)
            phrase = f"the mean over the {what} instead of the sum (1/{count})"
            fix = "sum: the loss's own 1/N is already in dY"
            yield _mistake("B1", phrase, fix, "scale", _divided(count))


def _divided(count: int) -> Callable[[Array], Array]:
    return lambda db: db / count


def _scaled(times: int) -> Callable[[Array], Array]:
    return lambda db: db * times


def _summed(axes: tuple[int, ...]) -> Callable[[Array], Array]:
    return lambda dY: np.asarray(dY.sum(axis=axes))


def _of_sample(n: int) -> Callable[[Array], Array]:
    return lambda dY: right_sum(dY[[n]])


def _shaped(shape: tuple[int, ...]) -> Callable[[Array], Array]:
    return lambda db: db.reshape(shape)


def _wrong_axes(geometry: Biased) -> Iterator[Mistake]:
    ndim = geometry.dims + 2
    letters = ("N", "K", "H", "W") if geometry.dims == 2 else ("N", "K", *"DHW"[-geometry.dims :])
    right = {0, *range(2, ndim)}
    shape = geometry.output_shape
    fix = f"sum over the batch and all positions: dY.sum(axis={(0, *range(2, ndim))})"
    for size in range(ndim + 1):
        for axes in combinations(range(ndim), size):
            if set(axes) == right:
                continue
            kept = ", ".join(letters[a] for a in range(ndim) if a not in axes)
            phrase = f"the sum over axes {axes} of dY, which leaves ({kept})"
            yield _mistake("B2", phrase, fix, "sum", _summed(axes))
    if geometry.out_channels > 1:
        phrase = "the sum over everything, put in every entry"
        filled = shape[1]
        yield _mistake("B2", phrase, fix, "sum", lambda dY: np.full(filled, dY.sum()))
    for name, n in (("first", 0), ("last", -1)):
        if geometry.batch > 1:
            phrase = f"the {name} sample only, not summed over the batch"
            yield _mistake("B2", phrase, fix, "sum", _of_sample(n))


def _shapes(geometry: Biased) -> Iterator[Mistake]:
    filters = geometry.out_channels
    fix = "give it the bias's shape: db.reshape(-1)"
    for shape in _db_shapes(filters, geometry.dims + 2):
        phrase = f"the right values in the shape {shape}"
        yield _mistake("B3", phrase, fix, "order", _shaped(shape))


def _db_shapes(filters: int, ndim: int) -> list[tuple[int, ...]]:
    """(1, K, 1, 1), (1, 1, 1, K), (K, 1) and their like."""
    found = []
    for length in range(2, ndim + 1):
        for place in range(length):
            shape = [1] * length
            shape[place] = filters
            if tuple(shape) not in found:
                found.append(tuple(shape))
    return found


def _too_often(geometry: Biased) -> Iterator[Mistake]:
    kernel, channels = prod(geometry.kernel), geometry.channels_per_group
    fix = "the bias enters each output once, so ∂Y/∂b = 1"
    seen = {1}
    for what, times in (
        ("element of the window", kernel * channels),
        ("position of the window", kernel),
        ("in-channel", channels),
    ):
        if times not in seen:
            seen.add(times)
            phrase = f"the bias counted once per {what} ({times} times)"
            yield _mistake("B4", phrase, fix, "scale", _scaled(times))
