"""The search for what reproduces the user's array: small parts of the layer first, the whole last.

Candidates come in hundreds and nearly all are wrong, so that the price of a search is the price of
a rejection. A candidate is tried on the smallest part of the layer that knows what it does, then on
the next, then on the whole; each trial is paid for from a budget of multiply-adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.compare import Noise, Rule, fits
from convgrad_cli.check.cutout import mixing
from convgrad_cli.check.recipes import Impossible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convgrad_cli.check.cutout import Cutout
    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

#: A variant counts as SMALLEST multiply-adds at least, for what it costs however small the layer
#: is; up to SMALL a layer is searched as it is.
SMALLEST = 400_000
SMALL = 1_000_000
#: Elements looked at before the whole array is.
GLANCE = 64


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

    def reproduces(self, variant: Array) -> bool:
        """Whether ``variant`` is the user's array and not the right one."""
        if variant.shape != self.found.shape or not self.fits(self.found, variant):
            return False
        return variant.shape != self.right.shape or self.differs(variant, self.right)

    def fits(self, found: Array, variant: Array) -> bool:
        """Whether two arrays of one shape are equal up to rounding; a glance at a few elements
        settles it for most."""
        if found.size > 4 * GLANCE:
            some = slice(None, None, found.size // GLANCE)
            few = found.reshape(-1)[some] if found.flags.c_contiguous else found.flat[some]
            finite = np.isfinite(few)
            others = variant.flat[some]
            if finite.any() and not fits(few, others, self.rule, self.noise, self._size(variant)):
                return False
        return fits(found, variant, self.rule, self.noise, self.top)

    def _size(self, variant: Array) -> float:
        """The size that rounding scales with: the variant's own, where that is larger."""
        largest = max(float(variant.max(initial=0.0)), -float(variant.min(initial=0.0)))
        return max(self.top, largest)

    def differs(self, variant: Array, right: Array) -> bool:
        """Whether two arrays of one shape differ by more than rounding."""
        gap = np.abs(variant - right)
        return bool(gap.max(initial=0.0) > self.noise.everywhere(self.top))

    def variant(self, mistakes: Sequence[Mistake], problem: Any = None) -> Array | None:
        """What the mistakes together give, or None where the sizes do not allow it."""
        try:
            made = (problem or self.problem).variant(self.target, mistakes)
        except (Impossible, ValueError, IndexError):
            return None
        return np.asarray(made)


@dataclass
class Sieve:
    """What lets a candidate through only if it reproduces the user's array.

    ``work`` is what is left for the parts, ``whole_work`` for the whole layer.
    """

    search: Search
    work: int
    whole_work: int
    parts: list[Cutout] = field(default_factory=list)
    untried: int = 0
    _turned: dict[str, Array | None] = field(default_factory=dict)
    _alike: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, search: Search, work: int, whole_work: int) -> Sieve:
        """With the layer's parts, where it is not small anyway."""
        parts: list[Cutout] = []
        if search.problem.cost(search.target) > SMALL:
            parts = list(search.problem.parts(search.target, search.mask))
        return cls(search, work, whole_work, parts)

    @property
    def where(self) -> str:
        """The part that is tried first, in words."""
        return f" on a part of the layer ({self.parts[0].words})" if self.parts else ""

    def passed(self, candidates: Iterable[tuple[Mistake, ...]]) -> list[tuple[Mistake, ...]]:
        """The candidates that reproduce the user's array."""
        return [causes for causes in candidates if self.passes(causes)]

    def passes(self, causes: tuple[Mistake, ...]) -> bool:
        """Whether these mistakes together reproduce the user's array, as far as the budget goes."""
        for pair in self.seen(causes):
            if pair is None or not self.search.fits(*pair):
                return False
        whole = self.whole(causes)
        return whole is not None and self.search.reproduces(whole)

    def whole(self, causes: tuple[Mistake, ...]) -> Array | None:
        """The candidate on the whole layer; None where it is impossible or too dear."""
        times = self._times(causes)
        cost = times * max(self.search.problem.cost(self.search.target), SMALLEST)
        if cost > self.whole_work:
            self.untried += 1
            return None
        self.whole_work -= cost
        return self.search.variant(causes)

    def _times(self, causes: tuple[Mistake, ...]) -> int:
        """A candidate's price in the layer's: nothing for what only moves its right sums."""
        if self._free(causes):
            return 0
        joined = any(cause.changes.get("groups") == 1 for cause in causes)
        return self.search.problem.groups(self.search.target)[0] if joined else 1

    def seen(self, causes: tuple[Mistake, ...]) -> Iterator[tuple[Array, Array] | None]:
        """The user's array and the candidate on every part that knows it; None: impossible."""
        if not self.parts:
            return
        if any(self._excluded(cause, causes) for cause in causes):
            yield None
            return
        if self._free(causes):
            return
        found: Array | None = self.search.found
        order = None
        if any("order" in cause.changes for cause in causes):
            turned = self._turned_back(causes)
            if turned is None:
                return
            causes, found, order = turned
        mixed = mixing(self.search.target, causes)
        for cut in self.parts:
            if mixed <= cut.holds and self._pays(cut.problem):
                made = self.search.variant(causes, cut.problem)
                if made is None or not self._unknown(cut, made, found, order):
                    yield None if made is None else self._beside(cut, made, found)

    def _unknown(self, cut: Cutout, made: Array, found: Array | None, order: Any) -> bool:
        """Whether sizes are wrong on both sides, and the candidate's may be the user's."""
        right = self.search.right
        part = right[cut.place].shape
        if made.shape == part or not (found is None or found.shape[:2] != right.shape[:2]):
            return False
        if cut.compared != (Ellipsis,) or made.shape[:2] != part[:2]:
            return True
        whole = np.broadcast_to(np.int8(0), (*right.shape[:2], *made.shape[2:]))
        made = whole if order is None else order(whole)
        return bool(made.shape == self.search.found.shape)

    def _beside(self, cut: Cutout, made: Array, found: Array | None) -> tuple[Array, Array] | None:
        """Both arrays on the part, where they have one shape."""
        right = self.search.right
        kept = made.shape == right[cut.place].shape
        if found is None or (found.shape == right.shape) != kept:
            return None
        here = found[cut.place]
        return (here[cut.compared], made[cut.compared]) if here.shape == made.shape else None

    def _free(self, causes: tuple[Mistake, ...]) -> bool:
        return self.search.problem.free(self.search.target, causes)

    def _pays(self, part: Any) -> bool:
        cost = max(part.cost(self.search.target), SMALLEST)
        if cost > self.work:
            return False
        self.work -= cost
        return True

    def _excluded(self, cause: Mistake, causes: tuple[Mistake, ...]) -> bool:
        """Whether the user's array tells filters apart that the mistake makes alike.

        A sum over channels put into each of them leaves them equal, whatever came before.
        """
        if self.search.target != "dW" or any("order" in other.changes for other in causes):
            return False
        if cause.phrase not in self._alike:
            self._alike[cause.phrase] = tells_apart(self.search, cause)
        return self._alike[cause.phrase]

    def _turned_back(
        self, causes: tuple[Mistake, ...]
    ) -> tuple[tuple[Mistake, ...], Array | None, Any] | None:
        """The candidate without its last stage, the user's array with that undone, and the stage.

        An order of axes only moves numbers, so that moving the user's back costs nothing. Its array
        is None where the order alone would have given it another shape.
        """
        search = self.search
        movers = [cause for cause in causes if cause.changes.keys() == {"order"}]
        if len(movers) != 1 or not search.problem.order_last(search.target):
            return None
        (mover,) = movers
        if mover.phrase not in self._turned:
            self._turned[mover.phrase] = undone(mover.changes["order"], search)
        rest = tuple(replace(c, changes={}) if c is mover else c for c in causes)
        return rest, self._turned[mover.phrase], mover.changes["order"]


def undone(order: Any, search: Search) -> Array | None:
    """The user's array before ``order`` moved its numbers; None where that gives another shape."""
    moved = order(np.arange(search.right.size).reshape(search.right.shape))
    if moved.shape != search.found.shape:
        return None
    back = np.empty(search.right.size)
    back[moved.reshape(-1)] = search.found.reshape(-1)
    return back.reshape(search.right.shape)


def tells_apart(search: Search, cause: Mistake) -> bool:
    """Whether a change of a convolution's channels makes all filters (by dY) or all in-channels
    (of dW itself) alike, or their number another, where the user's dW has them different."""
    found, finite = search.found, np.isfinite(search.found).all()
    if found.ndim != search.right.ndim or not finite:
        return False
    for stage, axis, made in (("output", 1, search.right.shape[:2]), ("upstream", 0, None)):
        change = cause.changes.get(stage)
        if change is None:
            continue
        shape = made or (2, search.problem.geometry.out_channels)
        numbers = np.random.default_rng(0).standard_normal((*shape, 1, 1, 1)[: found.ndim])
        after = change(numbers)
        if stage == "output" and after.shape[:2] != found.shape[:2]:
            return True
        alike = after.shape[1] > 1 and bool(np.all(np.ptp(after, axis=1) < 1e-9))
        if alike and np.ptp(found, axis=axis).max() > 4 * search.noise.everywhere(search.top):
            return True
    return False
