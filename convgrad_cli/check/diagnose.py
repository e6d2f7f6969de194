"""Which mistakes reproduce the user's array: one of the catalogue, a general one, then pairs.

A verdict is an identity, not a guess: every candidate is computed on the user's own data and is
reported only if it reproduces the user's array within the tolerance and differs from the right
array on this data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.compare import Noise, Rule, fits
from convgrad_cli.check.cutout import Cutout, cut_out
from convgrad_cli.check.generic import (
    checked,
    factor_between,
    factor_mistake,
    generic_variants,
    named_factor,
)
from convgrad_cli.check.recipes import Impossible
from convgrad_cli.check.report import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

#: Multiply-adds spent on the single mistakes, and on the pairs; a variant counts as SMALLEST at
#: least, for what it costs however small the layer is.
SINGLES_WORK = 4_000_000_000
PAIRS_WORK = 4_000_000_000
SMALLEST = 400_000
#: Rows with very many readings, of which one that fits is enough.
ONE_READING = frozenset({"W8", "G3", "F2"})


@dataclass
class Findings:
    """The explanations found, and what was tried."""

    diagnoses: list[Diagnosis] = field(default_factory=list)
    tried: str = ""


@dataclass
class Search:
    """One user array being explained."""

    problem: Problem
    target: str
    found: Array
    right: Array
    rule: Rule
    noise: Noise
    top: float
    names: list[str]
    mask: Array | None = None
    compared: tuple[Any, ...] = (Ellipsis,)

    def reproduces(self, variant: Array) -> bool:
        """Whether ``variant`` is the user's array and not the right one."""
        if variant.shape != self.found.shape:
            return False
        part, found = variant[self.compared], self.found[self.compared]
        if not fits(found, part, self.rule, self.noise, self.top):
            return False
        return variant.shape != self.right.shape or self.differs(part, self.right[self.compared])

    def differs(self, variant: Array, right: Array) -> bool:
        """Whether two arrays of one shape differ by more than rounding."""
        gap = np.abs(variant - right)
        return bool(gap.max(initial=0.0) > self.noise.everywhere(self.top))

    def variant(self, mistakes: Sequence[Mistake]) -> Array | None:
        """What the mistakes together give, or None where the sizes do not allow it."""
        try:
            return self.problem.variant(self.target, mistakes)
        except (Impossible, ValueError, IndexError):
            return None


def explain(search: Search) -> Findings:
    """Every explanation of the user's array: singles, else general ones, else pairs."""
    singles = search.problem.mistakes(search.target)
    cut = _cut_for(search, len(singles), SINGLES_WORK)
    alone = _feasible(search, cut, [(m,) for m in singles], 4 * SINGLES_WORK)
    found = _confirmed(search, cut, alone)
    tried = _tried(len(alone), f"of {len(singles)} single mistakes", cut)
    if not found:
        found = list(_general(search))
    if not found:
        pairs = list(_pairs(singles))
        cut = _cut_for(search, len(pairs), PAIRS_WORK)
        some = _feasible(search, cut, pairs, 2 * PAIRS_WORK)
        found = _confirmed(search, cut, some) or list(_with_factor(search, cut, alone))
        tried += " and " + _tried(len(some), f"of {len(pairs)} pairs", cut)
    return Findings([_diagnosis(search, causes) for causes in _distinct(found)], tried)


def _tried(count: int, what: str, cut: Search | None) -> str:
    where = f" on a part of the layer ({cut.names[-1]})" if cut else ""
    return f"{count} {what}{where}"


def _cut_for(search: Search, count: int, work: int) -> Search | None:
    """The search on a part of the layer where the whole is too large for ``count`` variants."""
    limit = work // max(count, 1)
    if max(search.problem.cost(search.target), SMALLEST) <= limit:
        return None
    cut = cut_out(search.problem, search.target, search.found, search.mask, limit)
    return None if cut is None else _narrowed(search, cut)


def _narrowed(search: Search, cut: Cutout) -> Search:
    right = cut.problem.right(search.target).astype(np.float64)
    return Search(
        cut.problem,
        search.target,
        cut.found,
        right,
        search.rule,
        search.noise,
        search.top,
        [*search.names, cut.words],
        None,
        cut.compared,
    )


def _confirmed(
    search: Search, cut: Search | None, candidates: Iterable[tuple[Mistake, ...]]
) -> list[tuple[Mistake, ...]]:
    """The candidates that reproduce the user's array; the part, where there is one, goes first."""
    found = []
    for causes in candidates:
        if cut is not None and search.problem.apart(search.target, causes):
            part = cut.variant(causes)
            if part is None or not cut.reproduces(part):
                continue
        whole = search.variant(causes)
        if whole is not None and search.reproduces(whole):
            found.append(causes)
    return found


def _feasible(
    search: Search, cut: Search | None, candidates: list[tuple[Mistake, ...]], work: int
) -> list[tuple[Mistake, ...]]:
    """The candidates that the budget pays for, on the part where they can be tried there, else on
    the whole layer, where those cost nothing that only rearrange its right sums."""
    whole = max(search.problem.cost(search.target), SMALLEST)
    part = max((cut or search).problem.cost(search.target), SMALLEST)
    kept = []
    for causes in candidates:
        if search.problem.free(search.target, causes):
            cost = 0
        else:
            cost = part if search.problem.apart(search.target, causes) else whole
        if cost <= work:
            work -= cost
            kept.append(causes)
    return kept


def _pairs(singles: list[Mistake]) -> Iterator[tuple[Mistake, ...]]:
    """Pairs of two rows that change two different stages."""
    common = [mistake for mistake in singles if mistake.common]
    for one, other in combinations(common, 2):
        if one.id != other.id and not one.stages & other.stages:
            yield (one, other)


def _general(search: Search) -> Iterator[tuple[Mistake, ...]]:
    """G1 to G5 where they reproduce the array exactly."""
    if search.found.shape == search.right.shape:
        factor = _factor(search, search.right)
        if factor is not None:
            yield (factor,)
            return
    if search.right.ndim > 1:
        groups = getattr(search.problem.geometry, "groups", 1)
        for mistake, variant in generic_variants(search.right, groups, search.names):
            if search.reproduces(variant):
                yield (mistake,)
    flat = search.right.reshape(-1)
    reshaped = checked(lambda: flat.reshape(search.found.shape))
    if (
        reshaped is not None
        and reshaped.shape != search.right.shape
        and search.reproduces(reshaped)
    ):
        from convgrad_cli.check.mistake import Mistake

        phrase = "the right values in another shape"
        yield (Mistake("G3", phrase, f"reshape it to {search.right.shape}", {}, frozenset()),)


def _factor(search: Search, variant: Array) -> Mistake | None:
    """G1 or G2 if the user's array is ``variant`` times a number."""
    found, variant = search.found[search.compared], variant[search.compared]
    alpha = factor_between(found, variant)
    if alpha is None:
        return None
    exact = _snapped(alpha, search)
    scaled = variant * exact
    if not fits(found, scaled, search.rule, search.noise, search.top * max(1.0, abs(alpha))):
        return None
    if not search.differs(scaled, variant):
        return None
    telling = int(np.count_nonzero(np.abs(variant) > search.noise.everywhere(search.top)))
    return factor_mistake(alpha, search.problem.geometry, telling)


def _snapped(alpha: float, search: Search) -> float:
    """A least-squares factor that is −1 or 0 up to rounding, made exact."""
    for value in (-1.0, 0.0):
        if abs(alpha - value) < 1e-9 + 10 * search.noise.epsilon:
            return value
    return alpha


def _with_factor(
    search: Search, cut: Search | None, alone: list[tuple[Mistake, ...]]
) -> Iterator[tuple[Mistake, ...]]:
    """Pairs of a single mistake and a factor or sign."""
    for (mistake,) in alone:
        here = (cut or search) if search.problem.apart(search.target, (mistake,)) else search
        variant = here.variant((mistake,))
        if variant is None or variant.shape != here.found.shape:
            continue
        alpha = factor_between(here.found, variant)
        if alpha is None or not (abs(alpha + 1) < 1e-3 or _telling(here, variant, alpha)):
            continue
        factor = _factor(here, variant)
        if factor is not None and here.reproduces(variant * _snapped(alpha, here)):
            yield (mistake, factor)


def _telling(search: Search, variant: Array, alpha: float) -> bool:
    enough = bool(np.count_nonzero(variant) >= 2)
    return enough and abs(alpha) > 1e-9 and named_factor(alpha, search.problem.geometry) is not None


def _distinct(found: list[tuple[Mistake, ...]]) -> list[tuple[Mistake, ...]]:
    """The explanations without repeated words; one reading is enough of rows with very many."""
    kept: list[tuple[Mistake, ...]] = []
    seen: set[object] = set()
    for causes in found:
        ids = tuple(mistake.id for mistake in causes)
        key: object = ids if ONE_READING & set(ids) else tuple(m.phrase for m in causes)
        if key not in seen:
            seen.add(key)
            kept.append(causes)
    return kept


def _diagnosis(search: Search, causes: tuple[Mistake, ...]) -> Diagnosis:
    target = search.target
    objects = search.problem.objects
    phrases = ", and with ".join(mistake.phrase for mistake in causes)
    fixes = "; ".join(dict.fromkeys(mistake.fix for mistake in causes))
    text = f"your {target} equals {objects[target]} with {phrases}"
    return Diagnosis(tuple(mistake.id for mistake in causes), text, fixes, causes)
