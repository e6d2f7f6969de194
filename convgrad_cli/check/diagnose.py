"""Which mistakes reproduce the user's array: one of the catalogue, a general one, then pairs.

A verdict is an identity, not a guess: every candidate is computed on the user's own data and is
reported only if it reproduces the user's array within the tolerance and differs from the right
array on this data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check.compare import fits
from convgrad_cli.check.generic import (
    batch_variants,
    checked,
    factor_between,
    factor_mistake,
    generic_variants,
    named_factor,
)
from convgrad_cli.check.mistake import Mistake
from convgrad_cli.check.report import Diagnosis
from convgrad_cli.check.sieve import Search, Sieve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array

#: Multiply-adds spent on the single mistakes, and on the pairs; of pairs that no part of the layer
#: tells, on the whole of it.
SINGLES_WORK = 16_000_000_000
PAIRS_WORK = 8_000_000_000
WHOLE_WORK = 4_000_000_000
#: Rows with very many readings, of which one that fits is enough.
ONE_READING = frozenset({"W8", "G3", "F2"})


@dataclass
class Findings:
    """The explanations found, and what was tried."""

    diagnoses: list[Diagnosis] = field(default_factory=list)
    tried: str = ""


def explain(search: Search) -> Findings:
    """Every explanation of the user's array: singles, else general ones, else pairs."""
    singles: list[tuple[Mistake, ...]]
    singles = [(mistake,) for mistake in search.problem.mistakes(search.target)]
    sieve = Sieve.of(search, SINGLES_WORK, SINGLES_WORK)
    found = sieve.passed(singles)
    tried = _tried(sieve, len(singles), "single mistakes")
    if not found:
        found = list(_general(search))
    if not found:
        pairs = list(_pairs([causes[0] for causes in singles]))
        sieve.work, sieve.whole_work = PAIRS_WORK, max(WHOLE_WORK, PAIRS_WORK * (not sieve.parts))
        sieve.untried = 0
        found = sieve.passed(pairs)
        tried += " and " + _tried(sieve, len(pairs), "pairs")
    if not found:
        sieve.work, sieve.whole_work = PAIRS_WORK, WHOLE_WORK
        found = list(_with_factor(search, sieve, singles))
    return Findings([_diagnosis(search, causes) for causes in _distinct(found)], tried)


def _tried(sieve: Sieve, count: int, what: str) -> str:
    return f"{count - sieve.untried} of {count} {what}{sieve.where}"


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
        groups, _ = search.problem.groups(search.target)
        for mistake, variant in generic_variants(search.right, groups, search.names):
            if search.reproduces(variant):
                yield (mistake,)
    lost = search.found.shape == (1, *search.right.shape[1:]) != search.right.shape
    if lost and search.target in ("dX", "dZ", "Y", "A"):
        for mistake, variant in batch_variants(search.right):
            if search.reproduces(variant):
                yield (mistake,)
    flat = search.right.reshape(-1)
    reshaped = checked(lambda: flat.reshape(search.found.shape))
    if (
        reshaped is not None
        and reshaped.shape != search.right.shape
        and search.reproduces(reshaped)
    ):
        phrase = "the right values in another shape"
        yield (Mistake("G3", phrase, f"reshape it to {search.right.shape}", {}, frozenset()),)


def _factor(search: Search, variant: Array) -> Mistake | None:
    """G1 or G2 if the user's array is ``variant`` times a number."""
    alpha = factor_between(search.found, variant)
    if alpha is None:
        return None
    scaled = variant * _snapped(alpha, search)
    if not fits(search.found, scaled, search.rule, search.noise, search.top * max(1.0, abs(alpha))):
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
    search: Search, sieve: Sieve, singles: list[tuple[Mistake, ...]]
) -> Iterator[tuple[Mistake, ...]]:
    """Pairs of a single mistake and a factor that has a name, or the sign."""
    for causes in singles:
        if any(pair is None or _no_multiple(search, *pair) for pair in sieve.seen(causes)):
            continue
        variant = sieve.whole(causes)
        if variant is None or variant.shape != search.found.shape:
            continue
        alpha = factor_between(search.found, variant)
        if alpha is None or not _named(search, variant, alpha):
            continue
        factor = _factor(search, variant)
        if factor is not None and search.reproduces(variant * _snapped(alpha, search)):
            yield (*causes, factor)


def _no_multiple(search: Search, found: Array, variant: Array) -> bool:
    """Whether ``found`` is certainly no multiple of ``variant`` by a factor that has a name."""
    alpha = factor_between(found, variant)
    if alpha is None or np.count_nonzero(variant) < 2:
        return False
    scaled, top = variant * _snapped(alpha, search), search.top * max(1.0, abs(alpha))
    named = _named(search, variant, alpha)
    return not (named and fits(found, scaled, search.rule, search.noise, top))


def _named(search: Search, variant: Array, alpha: float) -> bool:
    if abs(alpha + 1) < 1e-3:
        return True
    named = named_factor(alpha, search.problem.geometry) is not None
    return named and abs(alpha) > 1e-9 and bool(np.count_nonzero(variant) >= 2)


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
