"""A side's products beside the right ones: which is wrong, missing, too many, doubled or scaled.

Products that stand on both sides are laid aside; what is left over is paired by likeness, most
shared factors first, so that each wrong product is told with the nearest right one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_report import Problem
from convgrad_cli.check.equations_symbols import Factor, Local, Symbol
from convgrad_cli.check.equations_truth import key_of, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.equations_parse import Monomial
    from convgrad_cli.check.equations_text import Span
    from convgrad_cli.check.equations_truth import Key, Sum, Truth

MOST_CANDIDATES = 32
"""Right products that a wrong one is compared with, per factor they share."""


class Product(NamedTuple):
    """A product as written, with its local gradients resolved."""

    coefficient: Fraction
    slack: Fraction
    key: Key
    written: Monomial


@dataclass
class Side:
    """A side's products; those that vanish, as ∂O21/∂X11 does, are kept apart."""

    products: list[Product] = field(default_factory=list)
    vanishing: list[Product] = field(default_factory=list)

    @property
    def chain(self) -> bool:
        """Whether it is written with local gradients."""
        return any(
            isinstance(placed.factor, Local)
            for product in (*self.products, *self.vanishing)
            for placed in product.written.factors
        )


def resolved(truth: Truth, monomials: Sequence[Monomial]) -> Side:
    """The products with every local gradient put in."""
    side = Side()
    for monomial in monomials:
        products = list(_resolved(truth, monomial))
        if products and monomial.coefficient:
            side.products += products
        elif monomial.factors:
            plain = key_of(placed.factor for placed in monomial.factors)
            side.vanishing.append(Product(Fraction(0), Fraction(0), plain, monomial))
    return side


def _resolved(truth: Truth, monomial: Monomial) -> Iterator[Product]:
    sums: list[tuple[Fraction, tuple[Factor, ...]]] = [(monomial.coefficient, ())]
    for placed in monomial.factors:
        factor = placed.factor
        if isinstance(factor, Local) and _both_exist(truth, factor):
            local = truth.local(factor).items()
            sums = [(c * d, rest + key) for c, rest in sums for key, d in local]
        else:
            sums = [(c, (*rest, factor)) for c, rest in sums]
    for coefficient, factors in sums:
        yield Product(coefficient, monomial.slack, key_of(factors), monomial)


def _both_exist(truth: Truth, local: Local) -> bool:
    return truth.exists(local.above, local.output) and truth.exists(local.role, local.index)


class Matcher:
    """Compares one side with the right sum of the subject."""

    def __init__(self, truth: Truth, subject: Factor, expected: Sum, side: Side, end: Span) -> None:
        self.truth = truth
        self.subject = subject
        self.expected = expected
        self.side = side
        self.end = end
        self.surplus: list[Product] = []
        self._twice: set[int] = set()
        self.problems: list[Problem] = []

    def compare(self) -> list[Problem]:
        """What is wrong, in the order of the text."""
        by_key: dict[Key, list[Product]] = defaultdict(list)
        for product in self.side.products:
            by_key[product.key].append(product)
        for key, products in by_key.items():
            self._weigh(key, products)
        missing = [key for key in self.expected if key not in by_key]
        if missing or self.surplus:
            missing = self._paired(self.surplus, missing)
            missing = self._paired(self.side.vanishing, missing, vanishing=True)
            self.problems += map(self._missing, missing)
        return sorted(self.problems, key=lambda problem: problem.span)

    def _weigh(self, key: Key, products: list[Product]) -> None:
        """The products with the same factors against the right coefficient."""
        total = sum((product.coefficient for product in products), Fraction(0))
        slack = sum((product.slack for product in products), Fraction(0))
        right = self.expected.get(key)
        if abs(total - (right or 0)) <= slack:
            return
        if right is None:
            self.surplus += products
            return
        if len(products) > 1 and all(abs(p.coefficient - right) <= p.slack for p in products):
            self.surplus += products[1:]
            self._twice |= {id(product) for product in products[1:]}
            return
        off = next((p for p in products if abs(p.coefficient - right) > p.slack), products[0])
        found, expected = self.truth.spelled(total, key), self._right(key, off)
        self._add("wrong_coefficient", off.written.span, found, expected)

    def _paired(
        self, products: list[Product], missing: list[Key], *, vanishing: bool = False
    ) -> list[Key]:
        """Tell every product with the nearest missing one; returns what is still missing."""
        nearest = self._nearest(products, missing, vanishing=vanishing)
        for place, product in enumerate(products):
            key = nearest.get(place)
            if key is not None:
                self._instead(product, key)
            elif not vanishing:
                self._too_many(product)
        taken = Counter(nearest.values())
        return [key for key in missing if not taken[key]]

    def _nearest(
        self, products: list[Product], missing: list[Key], *, vanishing: bool
    ) -> dict[int, Key]:
        """Pairs by likeness: shared factors first, then near indices; each key once."""
        sharing: dict[Factor, list[int]] = defaultdict(list)
        for number, key in enumerate(missing):
            for factor in set(self._factors(key)) if vanishing else set(key):
                sharing[factor].append(number)
        pairs = []
        for place, product in enumerate(products):
            near = {n for factor in product.key for n in sharing[factor][:MOST_CANDIDATES]}
            if len(missing) <= MOST_CANDIDATES and not vanishing:
                near |= {n for n, key in enumerate(missing) if _alike(key, product.key)}
            for number in near:
                right = self._factors(missing[number]) if vanishing else missing[number]
                pairs.append((*_distance(product.key, right), place, number))
        found: dict[int, Key] = {}
        taken: set[int] = set()
        for *_, place, number in sorted(pairs):
            if place not in found and number not in taken:
                found[place] = missing[number]
                taken.add(number)
        return found

    def _instead(self, product: Product, key: Key) -> None:
        """A product that stands where another should."""
        expected = self._right(key, product)
        found = self._as_written(product)
        if id(product) in self._twice:
            text = f"{found} stands twice; one of them should be {expected}"
            self._add("doubled_term", product.written.span, found, expected, text)
            return
        right = self._factors(key) if _is_chain(product) else key
        left = Counter(right)
        differing = []
        for placed in product.written.factors:
            if left[placed.factor]:
                left[placed.factor] -= 1
            else:
                differing.append(placed)
        span = differing[0].span if len(differing) == 1 else product.written.span
        text = f"{found} should be {expected}{self._unknown(product)}"
        self._add("wrong_term", span, found, expected, text)

    def _too_many(self, product: Product) -> None:
        found = self._as_written(product)
        if id(product) in self._twice:
            self._add("doubled_term", product.written.span, found, "", f"{found} stands twice")
        else:
            text = f"{found} does not belong here{self._unknown(product)}"
            self._add("extra_term", product.written.span, found, "", text)

    def _missing(self, key: Key) -> Problem:
        coefficient = self.expected[key]
        expected = self.truth.spelled(coefficient, self._factors(key) if self.side.chain else key)
        return Problem("missing_term", self.end, "", expected, f"{expected} is missing")

    def _add(self, kind: str, span: Span, found: str, expected: str, text: str = "") -> None:
        text = text or f"{found} should be {expected}"
        self.problems.append(Problem(kind, span, found, expected, text))

    def _as_written(self, product: Product) -> str:
        """The product in the notation, with local gradients where they were written."""
        written = product.written
        return self.truth.spelled(
            written.coefficient, [placed.factor for placed in written.factors]
        )

    def _right(self, key: Key, product: Product) -> str:
        """The right product, in the chain rule's form where the wrong one has it."""
        factors = self._factors(key) if _is_chain(product) else key
        return self.truth.spelled(self._coefficient(key, product), factors)

    def _coefficient(self, key: Key, product: Product) -> Fraction:
        # A pool's 1/4 is part of its local gradient.
        return Fraction(1) if _is_chain(product) else self.expected[key]

    def _factors(self, key: Key) -> tuple[Factor, ...]:
        """A right product by the chain rule: ∂L/∂O11 and ∂O11/∂F11."""
        subject = self.subject
        if isinstance(subject, Symbol) and subject.gradient:
            for factor in key:
                if isinstance(factor, Symbol) and factor.gradient:
                    local = Local(factor.role, factor.index, subject.role, subject.index)
                    return (factor, local)
        return key

    def _unknown(self, product: Product) -> str:
        """A hint at a symbol that the layer does not have."""
        for placed in product.written.factors:
            factor = placed.factor
            symbols = (
                [factor]
                if isinstance(factor, Symbol)
                else [
                    Symbol(False, factor.above, factor.output),
                    Symbol(False, factor.role, factor.index),
                ]
            )
            for symbol in symbols:
                if not self.truth.exists(symbol.role, symbol.index):
                    entry = Symbol(False, symbol.role, symbol.index)
                    return f"   (there is no {self.truth.text(entry)})"
        return ""


def _is_chain(product: Product) -> bool:
    return any(isinstance(placed.factor, Local) for placed in product.written.factors)


def _alike(key: Key, other: Key) -> bool:
    """Whether two products multiply the same kinds of symbols."""
    return [kind_of(f)[:2] for f in key] == [kind_of(f)[:2] for f in other]


def _distance(key: Key, right: Sequence[Factor]) -> tuple[int, bool, int]:
    """How unlike two products are: fewer shared factors, other kinds, indices far apart."""
    shared = sum((Counter(key) & Counter(right)).values())
    apart = sum(
        abs(a - b)
        for one, other in zip(key, right, strict=False)
        if one.role == other.role
        for a, b in zip(one.index, other.index, strict=False)
    )
    return -shared, not _alike(key, tuple(right)), apart
