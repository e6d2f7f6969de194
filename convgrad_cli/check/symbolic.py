"""The worst element's equation: right, and as the mistake would have it, side by side.

The right one is the tracer's. The mistaken one is read off the mistaken pipeline itself: it is
linear in dY and in its other operand, so unit impulses in dY with telling numbers in the other
operand give each product exactly.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convgrad_cli.check.report import GradientReport, SideBySide
from convgrad_cli.derivation import Derivation, Term, notation_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

    Index = tuple[int, ...]

#: Impulses tried at most, and multiply-adds of the layer: beyond, the equations are left out.
MOST_IMPULSES = 4_000
MOST_WORK = 2_000_000_000
#: What is probed, and what stands beside it in each product.
OPERANDS = {"dX": ("dY", "W"), "dW": ("dY", "X"), "db": ("dY", None), "Y": ("X", "W")}
SEED = 7


def side_by_side(
    problem: Problem, report: GradientReport, index: Index, notation: str
) -> list[SideBySide]:
    """The right equation beside that of every diagnosis that is a change of the pipeline."""
    name, traced = problem.traced_name(report.name), problem.traced(report.name)
    derivation = Derivation.of(traced, (name,), notation_named(notation, None, None), {})
    writer = derivation.writer()
    right = _written(writer, list(traced.terms(name, index)))
    found = []
    for diagnosis in report.diagnosis:
        if not diagnosis.causes or not all(cause.changes for cause in diagnosis.causes):
            continue
        terms = problem.mistaken_terms(report.name, diagnosis.causes, index)
        if terms is None:
            report.notes.append("the layer is too large for the mistaken equation")
            break
        if not terms and not problem.sums(report.name, diagnosis.causes):
            continue
        mistaken = _written(writer, terms)
        left = writer.target(name, index)
        found.append(SideBySide(left, right, mistaken, diagnosis.mistakes))
    return found


def _written(writer: Any, terms: Sequence[Term]) -> str:
    return " + ".join(writer.term(term) for term in terms).replace("+ -", "- ") or "0"


def bilinear_terms(
    problem: Any, target: str, causes: Sequence[Mistake], index: Index
) -> list[Term] | None:
    """The products of the mistaken element, in the order of the first operand; None: too large."""
    first, second = OPERANDS[target]
    impulses = getattr(problem, first)
    work = problem.cost(target) * impulses.size * 2
    if impulses.size > MOST_IMPULSES or work > MOST_WORK:
        return None
    probe = Probe(problem, target, tuple(causes), index)
    terms = []
    for place in np.ndindex(*impulses.shape):
        for other, coefficient in probe.products(first, place, second):
            terms.append(_term(target, place, other, second, coefficient))
    if target == "Y" and problem.b is not None:
        terms += [_bias_term(o, c) for o, c in probe.bias_terms()]
    return terms


class Product(NamedTuple):
    """The place in the second operand and how often it counts."""

    place: Index | None
    coefficient: Fraction


class Probe:
    """One element of a mistaken pipeline, as a function of its operands."""

    def __init__(
        self, problem: Any, target: str, causes: tuple[Mistake, ...], index: Index
    ) -> None:
        self.problem, self.target, self.causes, self.index = problem, target, causes, index
        rng = np.random.default_rng(SEED)
        self.tellers = [
            {name: rng.uniform(1, 2, array.shape) for name, array in problem.operands().items()}
            for _ in range(2)
        ]

    def value(self, **arrays: Array) -> float:
        """The element with some arrays exchanged (b is 0 unless given)."""
        if self.problem.b is not None:
            arrays = {"b": np.zeros(self.problem.b.shape), **arrays}
        other = replace(self.problem, **arrays)
        return float(other.variant(self.target, self.causes)[self.index])

    def products(self, first: str, place: Index, second: str | None) -> Iterator[Product]:
        """What stands beside the entry ``place`` of ``first``."""
        impulse = np.zeros(getattr(self.problem, first).shape)
        impulse[place] = 1.0
        if second is None:
            value = self.value(**{first: impulse})
            if value:
                yield Product(None, _fraction(value))
            return
        tellers = [teller[second] for teller in self.tellers]
        values = [self.value(**{first: impulse, second: teller}) for teller in tellers]
        if not any(values):
            return
        ratios = [value / teller for value, teller in zip(values, tellers, strict=True)]
        alone = np.argwhere(np.abs(ratios[0] - ratios[1]) < 1e-9 * np.abs(ratios[0]))
        if len(alone) == 1:
            found = tuple(int(i) for i in alone[0])
            yield Product(found, _fraction(float(ratios[0][found])))
        else:
            yield from self._several(first, impulse, second)

    def _several(self, first: str, impulse: Array, second: str) -> Iterator[Product]:
        """A sum of several entries of the second operand: one impulse each."""
        for place in np.ndindex(*getattr(self.problem, second).shape):
            unit = np.zeros(getattr(self.problem, second).shape)
            unit[place] = 1.0
            value = self.value(**{first: impulse, second: unit})
            if value:
                yield Product(place, _fraction(value))

    def bias_terms(self) -> Iterator[tuple[int, Fraction]]:
        """Which biases enter, and how often."""
        zero = np.zeros(self.problem.X.shape)
        for o in range(self.problem.b.size):
            unit = np.zeros(self.problem.b.shape)
            unit[o] = 1.0
            value = self.value(X=zero, b=unit)
            if value:
                yield o, _fraction(value)


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(1_000_000)


def _term(
    target: str, place: Index, other: Index | None, second: str | None, coefficient: Fraction
) -> Term:
    number = _plain(coefficient)
    if target == "Y":
        return Term(None, "X", place, number, other)
    if second is None:
        return Term(place, None, None, number)
    return Term(place, second, other, number)


def _plain(coefficient: Fraction) -> int | Fraction:
    return coefficient.numerator if coefficient.denominator == 1 else coefficient


def _bias_term(o: int, coefficient: Fraction) -> Term:
    return Term(None, "b", (o,), _plain(coefficient))


def linear_terms(
    problem: Any, target: str, causes: Sequence[Mistake], index: Index
) -> list[Term] | None:
    """The same of a layer that is linear in one array: a gradient in dY, an output in X."""
    name = "X" if target == "Y" else "dY"
    array = getattr(problem, name)
    if array.size > MOST_IMPULSES or problem.cost(target) * array.size > MOST_WORK:
        return None
    terms = []
    for place in np.ndindex(*array.shape):
        unit = np.zeros(array.shape)
        unit[place] = 1.0
        value = float(replace(problem, **{name: unit}).variant(target, causes)[index])
        if value:
            number = _plain(_fraction(value))
            terms.append(
                Term(None, "X", place, number) if target == "Y" else Term(place, None, None, number)
            )
    return terms
