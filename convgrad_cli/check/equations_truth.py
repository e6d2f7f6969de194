"""What the right sides are: the layer's own equations as products of symbols, from the tracer.

A subject is what an equation is about: a gradient, an output's entry, or a local gradient. Its
products come from :class:`~convgrad_cli.derivation.Traced`, so that any layer that can be derived
can be checked.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import product as iterate
from typing import TYPE_CHECKING, Any, TypeAlias

from convgrad_cli.check.equations_symbols import Local, Symbol
from convgrad_cli.derivation import Writer
from convgrad_cli.derivation.numbers import Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from convgrad_cli.check.equations_symbols import Factor
    from convgrad_cli.derivation import Index, Names, Term, Traced

Key: TypeAlias = "tuple[Factor, ...]"
"""The factors of a product, sorted."""
Sum: TypeAlias = "dict[Key, Fraction]"

MOST_SHOWN = 100
"""Products of a right equation that are written out."""
REMEMBERED = 4_000
"""Outputs whose forward equation is remembered."""


def key_of(factors: Iterable[Factor]) -> Key:
    """Factors in one order; symbols come before local gradients that could not be resolved."""
    return tuple(sorted(factors, key=lambda factor: (isinstance(factor, Local), factor)))


class Truth:
    """The layer's equations, and numbers for them where arrays were given."""

    def __init__(self, names: Names, values: Mapping[str, Any]) -> None:
        self.names = names
        self.traced: Traced = names.traced
        self.writer = Writer(names)
        self.values = Values(self.traced, values)
        self.forward = lru_cache(REMEMBERED)(self._forward)
        self._holders: dict[str, dict[Key, list[Index]]] = {}
        self.gradients = {
            role: target for target, role in self.traced.targets.items() if target != role
        }

    def exists(self, role: str, index: Index) -> bool:
        """Whether the array has the entry."""
        shape = self.traced.frames[role].shape
        return all(0 <= part < size for part, size in zip(index, shape, strict=True))

    def target(self, subject: Factor) -> str | None:
        """The target whose element the subject is, if it is one."""
        if isinstance(subject, Local):
            return None
        if subject.gradient:
            return self.gradients.get(subject.role)
        return subject.role if subject.role in self.traced.targets else None

    def right(self, subject: Factor) -> Sum:
        """The products that the subject equals; a forward equation with its bias."""
        if isinstance(subject, Local):
            return self.local(subject)
        target = self.target(subject)
        assert target is not None
        return self._sum(self.traced.terms(target, subject.index))

    def local(self, local: Local) -> Sum:
        """∂Y/∂entry: what stands beside the entry in the forward equation."""
        sought = Symbol(False, local.role, local.index)
        return dict(self.forward(local.output).get(sought, {}))

    def _forward(self, output: Index) -> dict[Factor, Sum]:
        """Per symbol of an output's equation, its derivative."""
        found: dict[Factor, Sum] = {}
        for key, coefficient in self._sum(self.traced.terms(self.traced.upstream, output)).items():
            for place, factor in enumerate(key):
                rest = key[:place] + key[place + 1 :]
                slot = found.setdefault(factor, {})
                slot[rest] = slot.get(rest, Fraction(0)) + coefficient
        return found

    def _sum(self, terms: Iterable[Term]) -> Sum:
        found: Sum = {}
        for term in terms:
            factors: list[Factor] = [Symbol(False, e.operand, e.index) for e in term.entries()]
            if term.upstream is not None:
                factors.append(Symbol(True, self.traced.upstream, term.upstream))
            key = key_of(factors)
            found[key] = found.get(key, Fraction(0)) + term.coefficient
        return found

    def holders(self, target: str) -> Mapping[Key, list[Index]]:
        """Per product, the elements of a target whose equations hold it; for small layers."""
        if target not in self._holders:
            found: dict[Key, list[Index]] = {}
            for index in iterate(
                *map(range, self.traced.frames[self.traced.targets[target]].shape)
            ):
                for key in self._sum(self.traced.terms(target, index)):
                    found.setdefault(key, []).append(index)
            self._holders[target] = found
        return self._holders[target]

    def number(self, factor: Factor) -> Fraction | None:
        """The number of a symbol, where its array was given (a gradient: the upstream one)."""
        if isinstance(factor, Local) or not self.exists(factor.role, factor.index):
            return None
        name = "d" + factor.role if factor.gradient else factor.role
        if name not in self.values:
            return None
        value = self.values.entry(name, factor.index)
        return Fraction(value) if math.isfinite(value) else None

    def product(self, key: Key) -> Fraction | None:
        """The product of the numbers."""
        found = Fraction(1)
        for factor in key:
            number = self.number(factor)
            if number is None:
                return None
            found *= number
        return found

    def text(self, factor: Factor) -> str:
        """A symbol in the notation."""
        if isinstance(factor, Local):
            return self.writer.local(factor.output, factor.role, factor.index)
        if factor.gradient:
            return self.writer.gradient(factor.role, factor.index)
        return self.writer.entry(factor.role, factor.index)

    def spelled(self, coefficient: Fraction, factors: Iterable[Factor]) -> str:
        """A product in the notation: the gradient first, then the entries as forward equations
        have them."""
        order = list(self.traced.frames)
        ordered = sorted(
            factors,
            key=lambda f: (isinstance(f, Local), not _is_gradient(f), order.index(f.role)),
        )
        parts = [self.text(factor) for factor in ordered]
        times = self.writer.script.times
        if not parts:
            return number_text(coefficient)
        if abs(coefficient) != 1:
            return times.join([number_text(coefficient), *parts])
        return ("-" if coefficient < 0 else "") + times.join(parts)

    def equation(self, subject: Factor) -> str:
        """The whole right equation."""
        return f"{self.text(subject)} = {self.total(self.right(subject))}"

    def total(self, expected: Sum) -> str:
        """A right side in the notation, the beginning of a long one."""
        right = list(expected.items())
        products = [self.spelled(c, key) for key, c in right[:MOST_SHOWN]]
        if len(right) > MOST_SHOWN:
            products.append(f"… ({len(right) - MOST_SHOWN} more)")
        return " + ".join(products).replace("+ -", "- ") or "0"


def _is_gradient(factor: Factor) -> bool:
    return isinstance(factor, Symbol) and factor.gradient


def number_text(value: Fraction) -> str:
    """A whole number, a short decimal, or a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1 and value.denominator > 64:
        return repr(float(value))
    return str(value)
