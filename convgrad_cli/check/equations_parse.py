"""One side of an equation as its expanded polynomial: a list of products, each with its place.

    F11*(dL/dO11 + dL/dO12) - 2 dL/dO22 F12   ->   +1 F11 ∂L/∂O11, +1 F11 ∂L/∂O12, −2 ∂L/∂O22 F12

Expanding and nesting are bounded, so that no text can exhaust time, memory or the stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from convgrad_cli.check.equations_cursor import Cursor
from convgrad_cli.check.equations_text import OPENING, Span, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.equations_symbols import Placed, Symbols
    from convgrad_cli.check.equations_text import Token

MOST_PRODUCTS = 50_000
"""Products one side may expand to."""
SPARE_PRODUCTS = 30_000
"""Products that all sides of a text may expand to together, beyond one for each token."""
MOST_FACTORS = 64
"""Factors one product may have: a layer's have three."""
DEEPEST = 40
"""Parentheses within parentheses."""
LONGEST_NUMBER = 40
"""Digits of a number."""
ROUNDED = Fraction(1, 10**9)
"""How far σ of a number, which is no fraction, may be off."""


@dataclass(frozen=True, slots=True)
class Monomial:
    """A coefficient, known to within ``slack`` (a rounded decimal), times factors; its place."""

    coefficient: Fraction
    factors: tuple[Placed, ...]
    span: Span
    slack: Fraction = Fraction(0)
    numbered: bool = False
    """Whether a number is written in it."""

    def __neg__(self) -> Monomial:
        return Monomial(-self.coefficient, self.factors, self.span, self.slack, self.numbered)


class Budget:
    """How much may still be expanded, by one text."""

    def __init__(self, tokens: int = 0) -> None:
        self.left = tokens + SPARE_PRODUCTS


class Parser:
    """Reads one side."""

    def __init__(
        self, tokens: Sequence[Token], end: Span, symbols: Symbols, budget: Budget
    ) -> None:
        self.cursor = Cursor(tokens, end)
        self.symbols = symbols
        self.budget = budget
        self.depth = 0

    def side(self) -> list[Monomial]:
        """The whole side. Raises Unreadable."""
        found = self._sum()
        if self.cursor.peek().kind != "end":
            raise self.cursor.unreadable("a sign or the end of the line")
        return found

    def _sum(self) -> list[Monomial]:
        found: list[Monomial] = []
        while True:
            negative = self._signs()
            product = self._product()
            found += [-monomial for monomial in product] if negative else product
            if len(found) > MOST_PRODUCTS:
                raise self._too_many()
            if not self.cursor.at("+", "-"):
                return found

    def _signs(self) -> bool:
        """Whether the signs here make the product negative."""
        negative = False
        while self.cursor.at("+", "-"):
            negative ^= self.cursor.take().text == "-"
        return negative

    def _product(self) -> list[Monomial]:
        found = self._factor()
        for _ in range(MOST_FACTORS):
            if self.cursor.at("*"):
                self.cursor.take()
                negative = self._signs()
                factor = self._factor()
                found = self._times(found, [-m for m in factor] if negative else factor)
            elif self.cursor.at("/"):
                self.cursor.take()
                found = self._times(found, self._divisor(self._factor()))
            elif self._factor_begins():
                found = self._times(found, self._factor())
            else:
                return found
        raise self.cursor.unreadable(f"the end of a product of more than {MOST_FACTORS} factors")

    def _factor_begins(self) -> bool:
        """Whether a product goes on without a sign between."""
        token = self.cursor.peek()
        if token.kind == "number":
            raise self.cursor.unreadable("a sign before the number")
        return token.kind in ("name", "d", "frac") or self.cursor.at(*OPENING)

    def _factor(self) -> list[Monomial]:
        token = self.cursor.peek()
        if token.kind == "number":
            return [self._number()]
        if self.cursor.at(*OPENING):
            return self._group()
        if token.kind == "frac" and not self.symbols.begins(self.cursor):
            self.cursor.take()
            above = self._group()
            return self._times(above, self._divisor(self._group()))
        start = token.span
        value = self.symbols.activation.number(self.cursor)
        if value is not None:
            span = Span(start.line, start.column, max(start.end, self.cursor.last.span.end))
            return [Monomial(value, (), span, abs(value) * ROUNDED, numbered=True)]
        if self.symbols.begins(self.cursor):
            placed = self.symbols.read(self.cursor)
            return [Monomial(Fraction(1), (placed,), placed.span)]
        raise self.cursor.unreadable("a symbol, a number or (")

    def _group(self) -> list[Monomial]:
        """What stands in parentheses, brackets or braces."""
        if not self.cursor.at(*OPENING):
            raise self.cursor.unreadable("{")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.cursor.unreadable(f"at most {DEEPEST} parentheses within each other")
        closing = OPENING[self.cursor.take().text]
        found = self._sum()
        self.cursor.expect(closing, f"a sign or {closing}")
        self.depth -= 1
        return found

    def _number(self) -> Monomial:
        token = self.cursor.take()
        if len(token.text) > LONGEST_NUMBER:
            raise Unreadable(
                token.span, f"a number of at most {LONGEST_NUMBER} digits", token.text[:12] + "…"
            )
        return Monomial(Fraction(token.text), (), token.span, rounding(token.text), True)

    def _divisor(self, divisor: list[Monomial]) -> list[Monomial]:
        """The reciprocal of a number."""
        place = divisor[0].span
        if any(monomial.factors for monomial in divisor):
            raise Unreadable(place, "a number to divide by", "a symbol")
        value = sum((monomial.coefficient for monomial in divisor), Fraction(0))
        if value == 0:
            raise Unreadable(place, "a number to divide by that is not 0", "0")
        return [Monomial(1 / value, (), place, numbered=True)]

    def _times(self, left: list[Monomial], right: list[Monomial]) -> list[Monomial]:
        self.budget.left -= len(left) * len(right)
        if len(left) * len(right) > MOST_PRODUCTS or self.budget.left < 0:
            raise self._too_many()
        found = [self._joined(a, b, len(left), len(right)) for a in left for b in right]
        if len(found[0].factors) > MOST_FACTORS or _digits(found[0]) > 8 * LONGEST_NUMBER:
            raise self.cursor.unreadable("the end of a product of so many factors")
        return found

    def _joined(self, a: Monomial, b: Monomial, left: int, right: int) -> Monomial:
        """The product of two products; its place is theirs, or that of the one in a longer sum."""
        if left == right == 1:
            end = b.span.end if b.span.line == a.span.line else a.span.end
            span = Span(a.span.line, min(a.span.column, b.span.column), max(end, a.span.end))
        else:
            span = a.span if left > right else b.span
        slack = abs(a.coefficient) * b.slack + abs(b.coefficient) * a.slack
        numbered = a.numbered or b.numbered
        factors = a.factors + b.factors
        return Monomial(a.coefficient * b.coefficient, factors, span, slack, numbered)

    def _too_many(self) -> Unreadable:
        return self.cursor.unreadable(f"a sum of at most {MOST_PRODUCTS} products when expanded")


def rounding(text: str) -> Fraction:
    """Half a unit in the last place of a decimal with two places or more, else 0: 0.11 is 1/9."""
    mantissa, _, exponent = text.lower().partition("e")
    places = len(mantissa.partition(".")[2])
    if places < 2:
        return Fraction(0)
    exact: Fraction = Fraction(1, 2) / 10**places
    return exact * Fraction("1e" + (exponent or "0"))


def _digits(monomial: Monomial) -> int:
    value = monomial.coefficient
    return (value.numerator.bit_length() + value.denominator.bit_length()) * 3 // 10
