"""σ′ written out by σ itself, as the lectures do: A(1 − A) for the sigmoid, 1 − A² for tanh."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from convgrad_cli.check.equations_symbols import Symbol
from convgrad_cli.check.equations_truth import key_of
from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME, TracedActivation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.check.equations_symbols import Factor
    from convgrad_cli.check.equations_truth import Sum, Truth

#: Coefficients of σ′ by the power of A.
SLOPES = {"sigmoid": {1: 1, 2: -1}, "tanh": {0: 1, 2: -1}}


def slope_of(truth: Truth) -> Mapping[int, int] | None:
    """The layer's σ′ as a polynomial of A, where it is one."""
    traced = truth.layer.parts[-1].traced
    return SLOPES.get(traced.name) if isinstance(traced, TracedActivation) else None


def written_out(total: Sum, slope: Mapping[int, int]) -> Sum:
    """The sum with A for every σ(z) and the polynomial for every σ′(z)."""
    found: Sum = {}
    for key, coefficient in total.items():
        sums: Sum = {(): coefficient}
        for factor in key:
            each = _powers(factor, slope)
            sums = {key_of((*a, *b)): c * d for a, c in sums.items() for b, d in each.items()}
        for product, share in sums.items():
            found[product] = found.get(product, Fraction(0)) + share
    return found


def _powers(factor: Factor, slope: Mapping[int, int]) -> Sum:
    if not isinstance(factor, Symbol) or factor.function not in (SIGMA, SIGMA_PRIME):
        return {(factor,): Fraction(1)}
    A = Symbol(False, "A", factor.index)
    powers = {1: 1} if factor.function == SIGMA else slope
    return {(A,) * power: Fraction(share) for power, share in powers.items()}
