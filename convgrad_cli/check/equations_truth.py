"""What the right sides are: the layer's own equations as products of symbols, from the tracer.

A subject is what an equation is about: a gradient, an output's entry, or a local gradient. Its
products come from the stages' tracers, so that any layer that can be derived can be checked.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import product as iterate
from typing import TYPE_CHECKING, TypeAlias

from convgrad_cli.check.equations_symbols import Local, Symbol
from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME
from convgrad_cli.derivation.model import Factor as Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from convgrad_cli.check.equations_layer import Layer, Part
    from convgrad_cli.check.equations_symbols import Factor
    from convgrad_cli.derivation import Index, Term

Key: TypeAlias = "tuple[Factor, ...]"
"""The factors of a product, sorted."""
Sum: TypeAlias = "dict[Key, Fraction]"

MOST_SHOWN = 100
"""Products of a right equation that are written out."""
REMEMBERED = 4_000
"""Outputs whose forward equation is remembered."""
MOST_EXPANDED = 20_000
"""Products of an equation with another stage's put in."""


def key_of(factors: Iterable[Factor]) -> Key:
    """Factors in one order; symbols come before local gradients that could not be resolved."""
    return tuple(sorted(factors, key=lambda factor: (isinstance(factor, Local), factor)))


def kind_of(factor: Factor) -> tuple[bool, str, str]:
    """What is known of all of an array's symbols alike: gradients or not, of which, under σ."""
    if isinstance(factor, Local):
        return True, factor.role, ""
    return factor.gradient, factor.role, factor.function


class Truth:
    """The layer's equations, and numbers for them where arrays were given."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.forward = lru_cache(REMEMBERED)(self._forward)
        self._holders: dict[str, dict[Key, list[Index]]] = {}

    def exists(self, role: str, index: Index) -> bool:
        """Whether the array has the entry."""
        shape = self.layer.frames[role].shape
        return all(0 <= part < size for part, size in zip(index, shape, strict=True))

    def target(self, subject: Factor) -> str | None:
        """The target whose element the subject is, if it is one."""
        if isinstance(subject, Local) or subject.function:
            return None
        if subject.gradient:
            return self.layer.gradients.get(subject.role)
        return subject.role if subject.role in self.layer.targets else None

    def right(self, subject: Factor) -> Sum:
        """The products that the subject equals; a forward equation with its bias."""
        if isinstance(subject, Local):
            return self.local(subject)
        target = self.target(subject)
        assert target is not None
        return self.terms(target, subject.index)

    def terms(self, target: str, index: Index) -> Sum:
        """The products of an element of a target."""
        part = self.layer.part_of(target)
        return self._sum(part, part.traced.terms(part.target[target], index))

    def local(self, local: Local) -> Sum:
        """∂Y/∂entry: what stands beside the entry in the forward equation."""
        sought = Symbol(False, local.role, local.index)
        return dict(self.forward(local.above, local.output).get(sought, {}))

    def _forward(self, output: str, index: Index) -> dict[Factor, Sum]:
        """Per symbol of an output's equation, its derivative."""
        found: dict[Factor, Sum] = {}
        for key, coefficient in self.terms(output, index).items():
            for place, factor in enumerate(key):
                rest = key[:place] + key[place + 1 :]
                if isinstance(factor, Symbol) and factor.function == SIGMA:
                    rest = key_of((*rest, factor._replace(function=SIGMA_PRIME)))
                    factor = factor._replace(function="")
                slot = found.setdefault(factor, {})
                slot[rest] = slot.get(rest, Fraction(0)) + coefficient
        return found

    def _sum(self, part: Part, terms: Iterable[Term]) -> Sum:
        found: Sum = {}
        for term in terms:
            factors: list[Factor] = [
                Symbol(False, part.role[e.operand], e.index, e.function or "")
                for e in term.entries()
            ]
            if term.upstream is not None:
                factors.append(Symbol(True, part.output, term.upstream))
            key = key_of(factors)
            found[key] = found.get(key, Fraction(0)) + term.coefficient
        return found

    def expanded(self, expected: Sum) -> Sum | None:
        """The sum with what passes between the stages put in: V by X and D, dV by dY and P.

        None where nothing passes, or where it would be too long.
        """
        found: Sum = {}
        changed = False
        for key, coefficient in expected.items():
            sums: Sum = {(): coefficient}
            for factor in key:
                inner = self._inner(factor)
                changed |= inner is not None
                each = {(factor,): Fraction(1)} if inner is None else inner
                sums = {key_of((*a, *b)): c * d for a, c in sums.items() for b, d in each.items()}
            for product, share in sums.items():
                found[product] = found.get(product, Fraction(0)) + share
            if len(found) > MOST_EXPANDED:
                return None
        return found if changed else None

    def _inner(self, factor: Factor) -> Sum | None:
        """What a symbol between two stages equals, where nothing is a function of it."""
        target = self.target(factor)
        between = target is not None and factor.role in self.layer.outputs
        return self.terms(target, factor.index) if target is not None and between else None

    def holders(self, target: str) -> Mapping[Key, list[Index]]:
        """Per product, the elements of a target whose equations hold it; for small layers."""
        if target not in self._holders:
            found: dict[Key, list[Index]] = {}
            shape = self.layer.frames[self.layer.targets[target]].shape
            for index in iterate(*map(range, shape)):
                for key in self.terms(target, index):
                    found.setdefault(key, []).append(index)
            self._holders[target] = found
        return self._holders[target]

    def number(self, factor: Factor) -> Fraction | None:
        """The number of a symbol, where its array was given (a gradient: the upstream one)."""
        if isinstance(factor, Local) or not self.exists(factor.role, factor.index):
            return None
        for part in self.layer.parts:
            own = part.own.get(factor.role)
            name = None if own is None else "d" + own if factor.gradient else own
            if name is None or name not in part.values:
                continue
            if factor.function and factor.function not in part.values.functions:
                continue
            value = part.values.factor(Entry(name, factor.index, factor.function or None))
            return Fraction(value) if math.isfinite(value) else None
        return None

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
            return self.layer.local(*factor)
        if factor.gradient:
            return self.layer.gradient(factor.role, factor.index)
        return self.layer.entry(factor.role, factor.index, factor.function)

    def spelled(self, coefficient: Fraction, factors: Iterable[Factor]) -> str:
        """A product in the notation: the gradient first, then the entries as forward equations
        have them."""
        order = list(self.layer.frames)
        ordered = sorted(
            factors,
            key=lambda f: (isinstance(f, Local), not _is_gradient(f), order.index(f.role)),
        )
        parts = [self.text(factor) for factor in ordered]
        times = self.layer.script.times
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
