"""Sides with numbers in them, against the layer's arrays."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from convgrad_cli.check.equations_report import EquationReport, Problem
from convgrad_cli.check.equations_text import Span
from convgrad_cli.check.equations_truth import Key, Sum, Truth, key_of, kind_of, number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.equations_match import Side
    from convgrad_cli.check.equations_parse import Monomial
    from convgrad_cli.check.equations_symbols import Factor

RELATIVE = Fraction(1, 10**9)
"""How far a sum of floats may be from the exact one, relative to its terms."""


class Written(Protocol):
    """A side as it was read."""

    @property
    def monomials(self) -> list[Monomial]:
        """Its products."""

    @property
    def maximum(self) -> bool:
        """Whether they are the arguments of ``max``."""

    @property
    def start(self) -> Span:
        """Where it begins."""


def put_in(truth: Truth, expected: Sum, side: Side) -> bool:
    """Whether the side is the right one with the numbers of some arrays put in."""
    if not all(product.written.numbered for product in side.products):
        return False
    written = {kind_of(factor) for product in side.products for factor in product.key}
    right: dict[Key, Fraction] = {}
    scale = Fraction(0)
    for key, coefficient in expected.items():
        left = key_of(factor for factor in key if kind_of(factor) in written)
        number = truth.product(tuple(factor for factor in key if kind_of(factor) not in written))
        if number is None:
            return False
        right[left] = right.get(left, Fraction(0)) + coefficient * number
        scale += abs(coefficient * number)
    for product in side.products:
        right[product.key] = right.get(product.key, Fraction(0)) - product.coefficient
    slack = sum((product.slack for product in side.products), scale * RELATIVE)
    return all(abs(rest) <= slack for rest in right.values())


def judge_numbers(
    truth: Truth, subject: Factor, sums: Sequence[Sum], read: Written, report: EquationReport
) -> bool:
    """A side of numbers against the subject's: any of the right sums, or an array's own entry.

    False where the numbers are not known. Appends the problem to the report.
    """
    known = [values for each in sums if (values := values_of(truth, each)) is not None]
    if not sums:
        if any(monomial.factors for monomial in read.monomials):
            report.problems.append(_not_derived(truth, subject, read))
            return True
        number = truth.number(subject)
        known = [] if number is None else [[number]]
    elif not known and len(read.monomials) == 1 and _total(read.monomials) == 0:
        report.problems.append(_not_nothing(truth, sums[-1], read))
        return True
    if known and not any(_agree(read.monomials, values) for values in known):
        report.problems.append(_wrong(read, known[0]))
    return bool(known)


def _agree(monomials: list[Monomial], values: list[Fraction]) -> bool:
    slack = sum((m.slack for m in monomials), sum(map(abs, values), Fraction(0)) * RELATIVE)
    return abs(_total(monomials) - sum(values, Fraction(0))) <= slack


def values_of(truth: Truth, expected: Sum) -> list[Fraction] | None:
    """The numbers of the right products, or None where an array is not given."""
    found = []
    for key, coefficient in expected.items():
        product = truth.product(key)
        if product is None:
            return None
        found.append(coefficient * product)
    return found


def _wrong(read: Written, values: list[Fraction]) -> Problem:
    """The one product that is wrong, where there is one, else the whole side."""
    total, right = _total(read.monomials), sum(values, Fraction(0))
    found = [monomial.coefficient for monomial in read.monomials]
    spare, lacking = Counter(found) - Counter(values), Counter(values) - Counter(found)
    if len(found) > 1 and spare.total() == lacking.total() == 1:
        (one,), (other,) = spare, lacking
        span = read.monomials[found.index(one)].span
        text = f"this product is {number_text(one)} and should be {number_text(other)}"
        return Problem("wrong_value", span, number_text(one), number_text(other), text)
    first, last = read.monomials[0].span, read.monomials[-1].span
    end = last.end if last.line == first.line else first.end
    span = Span(read.start.line, read.start.column, max(end, read.start.end))
    text = f"the value is {number_text(right)}, not {number_text(total)}"
    return Problem("wrong_value", span, number_text(total), number_text(right), text)


def _not_nothing(truth: Truth, expected: Sum, read: Written) -> Problem:
    """A 0 where the right side has terms, whatever the numbers are."""
    right = truth.total(expected)
    span = read.monomials[0].span
    return Problem("missing_term", span, "0", right, f"0 should be {right}")


def _not_derived(truth: Truth, subject: Factor, read: Written) -> Problem:
    name = truth.text(subject)
    expected = f"a number: {name} is given to the layer"
    text = f"cannot be checked: {name} is given to the layer, not derived"
    return Problem("unreadable", read.start, "an expression", expected, text)


def _total(monomials: list[Monomial]) -> Fraction:
    return sum((monomial.coefficient for monomial in monomials), Fraction(0))
