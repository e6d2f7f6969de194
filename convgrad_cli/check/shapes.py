"""Whose shape is it? An answer's shape brought to canonical axes, and a wrong one explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.check.report import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem


class Fitted(NamedTuple):
    """An answer with canonical axes, whether its shape is right, and the shape expected of it."""

    array: Array
    right_shape: bool
    expected: tuple[int, ...]
    note: str | None = None


def fitted(problem: Problem, target: str, found: Array, right: tuple[int, ...]) -> Fitted:
    """The answer with canonical axes. Leading 1s may be added or left out, as for dY."""
    layout = problem.layout(target)
    if layout is None:
        if found.shape == () and right == (1,):
            return Fitted(found.reshape(1), True, right)
        return Fitted(found, found.shape == right, right)
    expected = layout.given_shape(right)
    if found.shape == expected:
        return Fitted(layout.to_canonical(found), True, expected)
    ones = target in problem.loose and _long(found.shape) == _long(expected)
    if ones or _bare(found.shape) == _bare(expected):
        note = f"{target} has the shape {found.shape}; read as {expected}"
        return Fitted(layout.to_canonical(found.reshape(expected)), True, expected, note)
    rank = len(layout.order)
    lacking = rank - found.ndim
    if lacking > 0:
        found = found.reshape((1,) * lacking + found.shape)
    elif lacking < 0 and set(found.shape[:-lacking]) == {1}:
        found = found.reshape(found.shape[-lacking:])
    if found.ndim != rank:
        return Fitted(found, False, expected)
    return Fitted(layout.to_canonical(found), False, expected)


def _bare(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(shape)
    while sizes and sizes[0] == 1:
        sizes = sizes[1:]
    return sizes


def _long(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]


def explain_shape(problem: Problem, target: str, found: Array, right: Array) -> list[Place]:
    """What a wrong shape says by itself, where no mistake reproduces the numbers."""
    shape, expected = found.shape, right.shape
    if len(shape) == len(expected):
        if sorted(shape) == sorted(expected):
            return [Place("shape", "the right sizes with the axes in another order")]
        names = problem.axis_names(target)
        return [
            Place("shape", f"along {names[j]}: {_sizes(problem, target, j, size, want)}")
            for j, (size, want) in enumerate(zip(shape, expected, strict=True))
            if size != want
        ]
    if int(np.prod(shape)) == right.size:
        return [Place("shape", "the right number of elements, with the axes merged or split")]
    return [Place("shape", f"{len(shape)} axes where there should be {len(expected)}")]


def _sizes(problem: Problem, target: str, axis: int, size: int, want: int) -> str:
    text = f"{size} entries instead of {want}"
    meaning = problem.size_meaning(target, axis, size)
    return text if meaning is None else f"{text}, {meaning}"
