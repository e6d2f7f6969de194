"""A writer spells terms and equations in one notation and one script."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from convgrad_cli.derivation.equation import joined
from convgrad_cli.derivation.glyph import Quotient
from convgrad_cli.derivation.notation_scripts import (
    AsciiText,
    Expression,
    Latex,
    MathML,
    UnicodeText,
)
from convgrad_cli.derivation.templates import speller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.equation import Equation
    from convgrad_cli.derivation.glyph import Atom, Parts
    from convgrad_cli.derivation.model import Factor, Index, Term
    from convgrad_cli.derivation.names import Names
    from convgrad_cli.derivation.notation_scripts import Script

SCRIPTS: dict[str, type[Script]] = {
    script.name: script for script in (UnicodeText, AsciiText, Expression, Latex, MathML)
}


class Writer:
    """Spells a layer's symbols, terms and equations."""

    def __init__(self, names: Names, script: str = "unicode") -> None:
        self.names = names
        # Plain is ASCII by definition.
        plain = names.notation.style == "brackets" and script == "unicode"
        self.script = SCRIPTS["ascii" if plain else script]()
        self._entry = {role: speller(names, self.script, role) for role in names.frames}
        self._gradient = speller(names, self.script, names.traced.upstream, gradient=True)

    def atom(self, atom: Atom) -> str:
        """A symbol or quotient of the notation."""
        return self.script.atom(atom)

    def entry(self, role: str, index: Parts) -> str:
        """An array's entry."""
        return self.atom(self.names.entry(role, index))

    def gradient(self, role: str, index: Parts) -> str:
        """The gradient with respect to an entry."""
        return self.atom(self.names.gradient(role, index))

    def target(self, target: str, index: Parts) -> str:
        """The left side of an equation."""
        return self.atom(self.names.target(target, index))

    def local(self, output: Parts, role: str, index: Parts) -> str:
        """The local gradient ∂O11/∂F11; always a quotient, in every notation."""
        upstream = self.names.traced.upstream
        return self.atom(
            Quotient(self.names.entry(upstream, output), self.names.entry(role, index))
        )

    def factor(self, factor: Factor) -> str:
        """An entry, or a function of one."""
        entry = self._entry[factor.operand](factor.index)
        if factor.function is None:
            return entry
        return f"{self.script.phrase(factor.function)}({entry})"

    def factors(self, term: Term) -> list[str]:
        """What a term multiplies beside its coefficient, in the order printed."""
        upstream, operand, index, _, place, factors = term
        parts = [] if upstream is None else [self._gradient(upstream)]
        if operand is not None and index is not None:
            parts.append(self._entry[operand](index))
        if place is not None:
            parts.append(self._entry["W"](place))
        return [*parts, *map(self.factor, factors)] if factors else parts

    def term(self, term: Term) -> str:
        """One product, with a sign before it only where its coefficient is negative."""
        parts = self.factors(term)
        if term.coefficient != 1 or not parts:
            return self._scaled(term.coefficient, parts)
        return (self.script.times if term.upstream is not None else self.script.beside).join(parts)

    def terms(self, equation: Equation) -> Iterator[str]:
        """The terms of an equation, one text each."""
        return map(self.term, equation.terms)

    def right_side(self, equation: Equation) -> str:
        """The whole sum; ``0`` where there are no terms."""
        return joined(list(self.terms(equation))) or "0"

    def left_side(self, equation: Equation) -> str:
        """What the equation is about."""
        return self.target(equation.target, equation.index)

    def number(self, value: int | float | Fraction) -> str:
        """A number as it stands alone."""
        if isinstance(value, Fraction):
            return str(value.numerator) if value.denominator == 1 else self.script.fraction(value)
        return self.script.phrase(str(value)) if isinstance(value, int) else repr(value)

    def _scaled(self, coefficient: int | Fraction, parts: list[str]) -> str:
        if parts and coefficient == -1:
            return f"-{self.script.times.join(parts)}"
        return self.script.times.join([self.number(Fraction(coefficient)), *parts])


def mathml(names: Names, role: str, index: Index, *, gradient: bool = False) -> str:
    """A symbol, or the gradient with respect to it, as a MathML fragment (no ``<math>`` around)."""
    return MathML().atom(names.gradient(role, index) if gradient else names.entry(role, index))


def latex(names: Names, role: str, index: Index, *, gradient: bool = False) -> str:
    """A symbol, or the gradient with respect to it, as a LaTeX fragment."""
    return Latex().atom(names.gradient(role, index) if gradient else names.entry(role, index))
