"""Ties and kinks of a max pool: which tie rules agree with an answer, and where none can matter."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.catalogue_pool import TIE_WORDS
from convgrad_cli.check.planes import extended
from convgrad_cli.check.pool_recipes import PoolData, chosen, pool_recipe

if TYPE_CHECKING:
    from convgrad_cli.check.compare import Noise
    from convgrad_cli.check.planes import Array

#: Two largest numbers of a window closer than this part of their size are a kink for any step
#: a finite difference in single precision could take.
KINK = 1e-5


def tie_notes(problem: Any, found: Array, noise: Noise, top: float) -> list[str]:
    """What an answer's dX says of the tie rule, and how many windows are near a kink."""
    recipe = pool_recipe(problem.geometry, "max", "first", count_include_pad=False)
    outs = problem.geometry.output_size
    if prod(problem.geometry.kernel) < 2:
        return []
    first = second = np.full(problem.geometry.output_shape, -np.inf)
    for _, seen in recipe.taps(problem.X.astype(np.float64), outs, -np.inf):
        second = np.maximum(second, np.minimum(first, seen))
        first = np.maximum(first, seen)
    with np.errstate(invalid="ignore"):
        gap = first - second
    tied = int(np.count_nonzero(gap == 0))
    with np.errstate(invalid="ignore"):
        near = int(np.count_nonzero((gap > 0) & (gap < KINK * np.abs(first))))
    notes = [_agreeing(problem, found, noise, top, tied)] if tied else []
    if near:
        count = "1 window has its two largest numbers" if near == 1 else f"{near} windows have "
        count += "" if near == 1 else "their two largest numbers"
        notes.append(f"{count} nearly equal: a finite difference would not be valid there")
    return notes


def _agreeing(problem: Any, found: Array, noise: Noise, top: float, tied: int) -> str:
    data = PoolData(problem.X.astype(np.float64), problem.dY.astype(np.float64))
    rules = []
    for rule, words in TIE_WORDS.items():
        if rule.startswith("column") and problem.geometry.dims == 1:
            continue
        recipe = replace(
            pool_recipe(problem.geometry, "max", rule, count_include_pad=False), choose=rule
        )
        gap = np.abs(recipe.run(data) - found)
        if gap.shape == found.shape and bool(np.all(gap <= noise.everywhere(top))):
            rules.append(words)
    windows = "1 window has" if tied == 1 else f"{tied} windows have"
    if not rules:
        return f"{windows} ties; no tie rule gives this dX"
    return f"{windows} ties; this dX gives the gradient to {', or to '.join(rules)}"


def tied_positions(problem: Any) -> Array:
    """The input positions that share a window's maximum with another."""
    recipe = pool_recipe(problem.geometry, "max", "all", count_include_pad=False)
    outs = problem.geometry.output_size
    windows = recipe.windows(problem.X.astype(np.float64), outs, -np.inf)
    shared = chosen(windows, len(outs), "all")
    places = tuple(range(2 + len(outs), shared.ndim))
    several = shared.sum(axis=places, keepdims=True) > 1
    spread = recipe.scatter(np.ones((*windows.shape[: 2 + len(outs)],)), shared * several)
    before = [axis.before for axis in problem.geometry.axes]
    return np.asarray(extended(spread, before, problem.geometry.input_size) > 0)
