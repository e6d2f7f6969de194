"""A part of a large layer on which the user's array is still fully determined.

dX and Y of a sample depend on that sample alone; a filter's and channel's dW on that filter's dY
and that channel's X alone; a pool's planes are apart. Where one sample is still too large, the
corner of its first windows is taken: near the start, an array depends on the first windows only.
What is found on a part is confirmed on the whole layer before it is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import Axis

FILTERS_KEPT = CHANNELS_KEPT = 4
WINDOWS_KEPT = 16


@dataclass(frozen=True)
class Cutout:
    """A smaller problem, the user's array there, and the part of both that is compared.

    ``windows``: whether the corner of its first windows may be taken.
    """

    problem: Problem
    found: Array
    compared: tuple[Any, ...]
    words: str
    windows: bool = False


def cut_out(
    problem: Problem, target: str, found: Array, mask: Array | None, limit: int
) -> Cutout | None:
    """A cut-out that costs about ``limit`` at most for a variant; None where there is none.

    ``mask`` says where the user's array differs; the part is taken where it differs most.
    """
    cut = problem.part(target, found, mask)
    if cut is None or mask is None or not cut.windows or cut.problem.cost(target) <= limit:
        return cut
    return _corner(cut, target)


def worst(mask: Array | None, axis: int) -> int:
    """The entry along ``axis`` with the most differing elements."""
    if mask is None:
        return 0
    return int(mask.sum(axis=tuple(a for a in range(mask.ndim) if a != axis)).argmax())


def one_sample(
    problem: Any, found: Array, mask: Array | None, *, windows: bool = False
) -> Cutout | None:
    """The sample that differs most, of a ``problem`` that has ``sample(n)``."""
    if found.ndim != problem.geometry.dims + 2 or found.shape[0] != problem.geometry.batch:
        return None
    n = worst(mask, 0)
    words = f"sample {n}"
    return Cutout(problem.sample(n), found[n : n + 1], (slice(None),), words, windows)


def some_filters(problem: Any, found: Array, mask: Array | None) -> Cutout | None:
    """The filters and in-channels of a convolution's dW that differ most."""
    geometry = problem.geometry
    if geometry.groups > 1:
        return None
    o, c = worst(mask, 0), worst(mask, 1)
    os = around(o, FILTERS_KEPT, geometry.out_channels)
    cs = around(c, CHANNELS_KEPT, geometry.in_channels)
    small = replace(geometry, in_channels=cs.stop - cs.start, out_channels=os.stop - os.start)
    plan = replace(problem.plan, geometry=small)
    part = replace(
        problem, plan=plan, X=problem.X[:, cs], W=problem.W[os, cs], dY=problem.dY[:, os], b=None
    )
    words = f"filters {os.start} to {os.stop - 1} and in-channels {cs.start} to {cs.stop - 1}"
    return Cutout(part, found[os, cs], (slice(None),), words)


def around(place: int, count: int, size: int) -> slice:
    """``count`` entries about ``place``."""
    start = max(0, min(place - count // 2, size - count))
    return slice(start, min(size, start + count))


def one_plane(problem: Any, found: Array, mask: Array | None) -> Cutout:
    """The plane of a pool that differs most."""
    n, c = worst(mask, 0), worst(mask, 1)
    geometry = replace(problem.geometry, batch=1, channels=1)
    plan = replace(problem.plan, geometry=geometry)
    here = (slice(n, n + 1), slice(c, c + 1))
    part = replace(problem, plan=plan, X=problem.X[here], dY=problem.dY[here])
    return Cutout(part, found[here], (slice(None),), f"sample {n}, channel {c}", windows=True)


def _corner(cut: Cutout, target: str) -> Cutout:
    """The first windows along every axis; compared is their first half, far from the new end."""
    problem: Any = cut.problem
    whole = problem.geometry.axes
    axes = tuple(_shorter(axis) for axis in whole)
    sizes = [axis.size if target in problem.widest else axis.output for axis in axes]
    place: Any = (..., *(slice(size) for size in sizes))
    cuts = [short is not axis for short, axis in zip(axes, whole, strict=True)]
    ends = [size // 2 if shortened else size for size, shortened in zip(sizes, cuts, strict=True)]
    half = (Ellipsis, *(slice(end) for end in ends))
    words = f"{cut.words}, the first {WINDOWS_KEPT} windows along each axis"
    return Cutout(problem.corner(axes), cut.found[place], half, words)


def first_windows(axes: Sequence[Axis], wide: Array, narrow: Array) -> tuple[Array, Array]:
    """What the first windows see of the array they slide over, and their own."""
    along: Any = (..., *(slice(axis.size) for axis in axes))
    out: Any = (..., *(slice(axis.output) for axis in axes))
    return wide[along], narrow[out]


def _shorter(axis: Axis) -> Axis:
    """The axis with fewer windows and the same leftover."""
    if axis.output <= 2 * WINDOWS_KEPT:
        return axis
    size = axis.size - axis.stride * (axis.output - WINDOWS_KEPT)
    return replace(axis, size=size)
