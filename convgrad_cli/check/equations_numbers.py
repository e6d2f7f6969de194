"""Sides with numbers in them, against the layer's arrays."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from convgrad_cli.check.equations_report import EquationReport, Problem
from convgrad_cli.check.equations_symbols import Factor, Local
from convgrad_cli.check.equations_text import Span
from convgrad_cli.check.equations_truth import Key, Sum, Truth, key_of, number_text

if TYPE_CHECKING:
    from convgrad_cli.check.equations_match import Side
    from convgrad_cli.check.equations_parse import Monomial

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
    written = {_kind(factor) for product in side.products for factor in product.key}
    right: dict[Key, Fraction] = {}
    scale = Fraction(0)
    for key, coefficient in expected.items():
        left = key_of(factor for factor in key if _kind(factor) in written)
        number = truth.product(tuple(factor for factor in key if _kind(factor) not in written))
        if number is None:
            return False
        right[left] = right.get(left, Fraction(0)) + coefficient * number
        scale += abs(coefficient * number)
    for product in side.products:
        right[product.key] = right.get(product.key, Fraction(0)) - product.coefficient
    slack = sum((product.slack for product in side.products), scale * RELATIVE)
    return all(abs(rest) <= slack for rest in right.values())


def judge_numbers(
    truth: Truth, subject: Factor, expected: Sum | None, read: Written, report: EquationReport
) -> bool:
    """A side of numbers against the subject's number (``expected`` None: an array's own entry).

    False where it is not known. Appends the problem to the report.
    """
    if expected is None:
        number = truth.number(subject)
        values = None if number is None else [number]
        if any(monomial.factors for monomial in read.monomials):
            report.problems.append(_not_derived(truth, subject, read))
            return True
    else:
        values = values_of(truth, expected)
        if values is None and _total(read.monomials) == 0 and len(read.monomials) == 1:
            span, right = read.monomials[0].span, truth.equation(subject).partition(" = ")[2]
            report.problems.append(
                Problem("missing_term", span, "0", right, f"0 should be {right}")
            )
            return True
    if values is None:
        return False
    total, right_total = _total(read.monomials), sum(values, Fraction(0))
    slack = sum((m.slack for m in read.monomials), sum(map(abs, values), Fraction(0)) * RELATIVE)
    if abs(total - right_total) > slack:
        report.problems.append(_wrong(read, values, total, right_total))
    return True


def values_of(truth: Truth, expected: Sum) -> list[Fraction] | None:
    """The numbers of the right products, or None where an array is not given."""
    found = []
    for key, coefficient in expected.items():
        product = truth.product(key)
        if product is None:
            return None
        found.append(coefficient * product)
    return found


def _wrong(read: Written, values: list[Fraction], total: Fraction, right: Fraction) -> Problem:
    """The one product that is wrong, where there is one, else the whole side."""
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


def _not_derived(truth: Truth, subject: Factor, read: Written) -> Problem:
    name = truth.text(subject)
    expected = f"a number: {name} is given to the layer"
    text = f"cannot be checked: {name} is given to the layer, not derived"
    return Problem("unreadable", read.start, "an expression", expected, text)


def _total(monomials: list[Monomial]) -> Fraction:
    return sum((monomial.coefficient for monomial in monomials), Fraction(0))


def _kind(factor: Factor) -> tuple[bool, str]:
    return isinstance(factor, Local) or factor.gradient, factor.role
