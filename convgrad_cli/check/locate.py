"""Where a difference lives when no mistake explains it: border, leftover rows, overlaps, ties,
one sample, one channel, one group; and how big it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check.report import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem


def locate(
    problem: Problem, target: str, mask: Array, found: Array, right: Array, single: float
) -> list[Place]:
    """Statements on the differing elements ``mask``; the first is the size of the difference.

    ``single``: how far rounding in single precision would bring an element.
    """
    places = [_size(mask, found, right), *_hardly(problem, found, right, single)]
    if mask.all() and mask.size > 1:
        return [*places, Place("everywhere", "every element differs", exactly=True)]
    if mask.sum() == 1:
        places.append(Place("element", "only this one element differs", exactly=True))
    else:
        places += _entries(problem, target, mask)
    regions = [(*region, int(region[2].sum())) for region in problem.regions(target, mask.shape)]
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
    sizes = sorted({f"{size:.3g}" for size in (smallest, largest)}, key=float)
    text = (
        f"{int(mask.sum())} of {mask.size} elements differ, by {' to '.join(sizes)} "
        f"(the right ones are about {scale:.3g} in size)"
    )
    if gap.size > 1 and np.allclose(gap, gap[0], rtol=1e-6, atol=1e-9 * scale):
        text += f"; always by the same amount, {gap[0]:.6g}"
    return Place("size", text)


def _hardly(problem: Problem, found: Array, right: Array, single: float) -> Iterator[Place]:
    """What a whole array is, beside wrong: an operand, or right but for its rounding."""
    for name, operand in problem.operands().items():
        if operand.shape == found.shape and np.array_equal(operand, found):
            yield Place("operand", f"it is {name} itself", exactly=True)
    if not np.isfinite(found).all():
        return
    largest = float(np.abs(found - right).max())
    for decimals in (1, 2, 3, 4):
        grain = 0.5 * 10.0**-decimals
        rounded = np.allclose(found, np.round(found, decimals), rtol=0, atol=1e-3 * grain)
        if rounded and largest <= grain * 1.001 and np.any(np.round(right, decimals)):
            text = f"rounded to {decimals} decimals it would be right (--atol {grain:g} accepts it)"
            yield Place("rounding", text)
            return
    if largest <= single:
        text = "no more than single precision (float32) would make it differ"
        yield Place("rounding", f"{text} (--atol {single:.1g} accepts it)")


def _entries(problem: Problem, target: str, mask: Array) -> Iterator[Place]:
    """One sample, channel, filter, row … alone differs, or one group."""
    for axis, name in enumerate(problem.entry_names(target)):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if hit.size == 1 and mask.shape[axis] > 1:
            yield Place(name, f"only {name} {hit[0]} differs")
    yield from _one_group(problem, target, mask)


def _one_group(problem: Problem, target: str, mask: Array) -> Iterator[Place]:
    groups, axis = problem.groups(target)
    if groups == 1 or mask.shape[axis] == groups:
        return
    by_entry = mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis))
    hit = np.flatnonzero(by_entry.reshape(groups, -1).any(axis=1))
    if hit.size == 1:
        yield Place("group", f"only group {hit[0]} differs")
