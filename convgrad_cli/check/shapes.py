"""Whose shape is it? An answer's shape brought to canonical axes, and a wrong one explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.check.locate import axis_names
from convgrad_cli.check.report import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import ArrayLayout


LONG_NAMES = {"X": "input", "W": "filter", "b": "bias", "dY": "upstream"}


class Fitted(NamedTuple):
    """An answer with canonical axes, whether its shape is right, and the shape expected of it."""

    array: Array
    right_shape: bool
    expected: tuple[int, ...]
    note: str | None = None


def layout_of(problem: Problem, target: str) -> ArrayLayout | None:
    """How the user's array of ``target`` is laid out; None for db, which is always (K,)."""
    plan = problem.plan
    return {"dX": plan.X, "Y": plan.Y, "dW": getattr(plan, "W", None)}.get(target)


def fitted(problem: Problem, target: str, found: Array, right: tuple[int, ...]) -> Fitted:
    """The answer with canonical axes. Leading 1s may be added or left out, as for dY."""
    layout = layout_of(problem, target)
    if layout is None:
        if found.shape == () and right == (1,):
            return Fitted(found.reshape(1), True, right)
        return Fitted(found, found.shape == right, right)
    expected = layout.given_shape(right)
    if found.shape == expected:
        return Fitted(layout.to_canonical(found), True, expected)
    if _bare(found.shape) == _bare(expected):
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


def explain_shape(problem: Problem, target: str, found: Array, right: Array) -> list[Place]:
    """What a wrong shape says by itself, where no mistake reproduces the numbers."""
    shape, expected = found.shape, right.shape
    if len(shape) == len(expected):
        if sorted(shape) == sorted(expected):
            return [Place("shape", "the right sizes with the axes in another order")]
        names = axis_names(target, problem.geometry.dims)
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
    if target != "dX" or axis < 2:
        return text
    spatial = problem.geometry.axes[axis - 2]
    known = {
        spatial.output + spatial.extent - 1: "a full convolution of a dY that is not dilated",
        spatial.output: "the output's size",
        spatial.size - spatial.leftover: "short by the rows the stride leaves over",
        spatial.padded: "the padded input's size: the padding's gradient is not cropped",
    }
    return f"{text}, {known[size]}" if size in known else text


def given_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """The shapes of the layer's arrays as the user gave them, by the contract's long names."""
    plan, shapes = problem.plan, {}
    for name, array in problem.operands().items():
        layout = {"X": plan.X, "dY": plan.Y, "W": getattr(plan, "W", None)}.get(name)
        shape = array.shape if layout is None else layout.given_shape(array.shape)
        shapes[LONG_NAMES[name]] = tuple(int(size) for size in shape)
    return shapes
