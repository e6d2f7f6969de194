"""Where a difference lives when no mistake explains it: border, leftover rows, overlaps, ties,
one sample, one channel, one group; and how big it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.pool_recipes import chosen, pool_recipe
from convgrad_cli.check.problem import PoolProblem
from convgrad_cli.check.report import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import Axis

SPATIAL = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
LINES = {1: ("position",), 2: ("row", "column"), 3: ("plane", "row", "column")}


def axis_names(target: str, dims: int) -> list[str]:
    """What the canonical axes of ``target`` are called."""
    leading = {"dW": ["filter", "in-channel"], "db": []}.get(target, ["batch", "channel"])
    return ["out-channel"] if target == "db" else [*leading, *SPATIAL[dims]]


def locate(problem: Problem, target: str, mask: Array, found: Array, right: Array) -> list[Place]:
    """Statements on the differing elements ``mask``; the first is the size of the difference."""
    places = [_size(mask, found, right)]
    if mask.all() and mask.size > 1:
        return [*places, Place("everywhere", "every element differs", exactly=True)]
    places += _entries(problem, target, mask)
    regions = [(*region, int(region[2].sum())) for region in _regions(problem, target, mask.shape)]
    holding = [r for r in regions if r[3] < mask.size and not np.any(mask & ~r[2])]
    for name, words, _, count in sorted(holding, key=lambda r: r[3])[:2]:
        exactly = count == int(mask.sum())
        extent = "exactly" if exactly else "all within"
        places.append(Place(name, f"the differences are {extent} {words}", exactly))
    return places


def _size(mask: Array, found: Array, right: Array) -> Place:
    usable = mask & np.isfinite(found)
    if not usable.any():
        return Place("size", f"{int(mask.sum())} of {mask.size} elements are not finite numbers")
    gap = (found - right)[usable]
    largest, smallest = float(np.abs(gap).max()), float(np.abs(gap).min())
    scale = float(np.sqrt(np.mean(np.square(right)))) or 1.0
    text = (
        f"{int(mask.sum())} of {mask.size} elements differ, by {smallest:.3g} to {largest:.3g} "
        f"(the right ones are about {scale:.3g} in size)"
    )
    if gap.size > 1 and np.allclose(gap, gap[0], rtol=1e-6, atol=1e-9 * scale):
        text += f"; always by the same amount, {gap[0]:.6g}"
    return Place("size", text)


def _entries(problem: Problem, target: str, mask: Array) -> Iterator[Place]:
    """One sample, channel, filter, row … alone differs, or one group."""
    dims = problem.geometry.dims
    leading = {"dW": ("filter", "in-channel"), "db": ("out-channel",)}.get(
        target, ("sample", "channel")
    )
    names = leading if target == "db" else (*leading, *LINES[dims])
    for axis, name in enumerate(names):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if hit.size == 1 and mask.shape[axis] > 1:
            yield Place(name, f"only {name} {hit[0]} differs")
    yield from _one_group(problem, target, mask)


def _one_group(problem: Problem, target: str, mask: Array) -> Iterator[Place]:
    groups = getattr(problem.geometry, "groups", 1)
    axis = 0 if target in ("dW", "db") else 1
    if groups == 1 or mask.shape[axis] == groups:
        return
    by_entry = mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis))
    hit = np.flatnonzero(by_entry.reshape(groups, -1).any(axis=1))
    if hit.size == 1:
        yield Place("group", f"only group {hit[0]} differs")


def _regions(
    problem: Problem, target: str, shape: tuple[int, ...]
) -> Iterator[tuple[str, str, Array]]:
    """(name, words, mask) of regions of ``target``'s array."""
    axes = problem.geometry.axes
    if target == "dX":
        coverage = [np.array([len(a.taps_of_input(x)) for x in range(a.size)]) for a in axes]
        count = _product(coverage, shape)
        tests = (
            ("overlaps", "positions that several windows share", count > 1),
            ("single", "positions that one window alone holds", count == 1),
            ("unreached", "positions that no window reaches", count == 0),
            ("leftover", "the leftover rows and columns", _some(axes, shape, _leftover)),
            ("border", "the border, as wide as a window reaches", _some(axes, shape, _border)),
        )
        yield from tests
    elif target == "Y":
        yield "border", "windows that reach into the padding", _some(axes, shape, _padded_windows)
    elif target == "dW":
        yield "border", "the filter positions that meet padding", _some(axes, shape, _padded_taps)
    if isinstance(problem, PoolProblem) and problem.kind == "max" and target == "dX":
        yield "ties", "positions that tie for a window's maximum", tied_positions(problem)


def _product(per_axis: list[Array], shape: tuple[int, ...]) -> Array:
    """Per-axis numbers multiplied out over the whole array."""
    result: Any = np.ones(shape, dtype=np.int64)
    for axis, numbers in enumerate(reversed(per_axis), start=1):
        result = result * numbers.reshape(-1, *[1] * (axis - 1))
    return np.asarray(result)


def _some(axes: tuple[Axis, ...], shape: tuple[int, ...], test: Any) -> Array:
    """Where any axis is in the region that ``test`` gives for it."""
    result = np.zeros(shape, dtype=bool)
    for place, axis in enumerate(reversed(axes), start=1):
        result |= np.asarray(test(axis), dtype=bool).reshape(-1, *[1] * (place - 1))
    return result


def _leftover(axis: Axis) -> list[bool]:
    end = (axis.output - 1) * axis.stride + axis.extent - axis.before
    return [x >= end for x in range(axis.size)]


def _border(axis: Axis) -> list[bool]:
    reach = axis.extent - 1
    return [x < reach or x >= axis.size - reach for x in range(axis.size)]


def _padded_windows(axis: Axis) -> list[bool]:
    return [len(axis.taps_of_output(i)) < axis.kernel for i in range(axis.output)]


def _padded_taps(axis: Axis) -> list[bool]:
    return [len(axis.taps_of_kernel(k)) < axis.output for k in range(axis.kernel)]


def tied_positions(problem: PoolProblem) -> Array:
    """The input positions that share a window's maximum with another."""
    recipe = pool_recipe(problem.geometry, "max", "all", count_include_pad=False)
    outs = problem.geometry.output_size
    windows = recipe.windows(problem.X.astype(np.float64), outs, -np.inf)
    shared = chosen(windows, len(outs), "all")
    places = tuple(range(2 + len(outs), shared.ndim))
    several = shared.sum(axis=places, keepdims=True) > 1
    spread = recipe.scatter(np.ones((*windows.shape[: 2 + len(outs)],)), shared * several)
    before = [axis.before for axis in problem.geometry.axes]
    from convgrad_cli.check.planes import extended

    return np.asarray(extended(spread, before, problem.geometry.input_size) > 0)
