"""Numbers for a derivation: values of terms and equations, exact where the arrays are integers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from convgrad_cli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from convgrad_cli.derivation.equation import Equation
    from convgrad_cli.derivation.model import Factor, Term, Traced

Number: TypeAlias = "int | float | Fraction"


class Values:
    """The given arrays with canonical axes, by name; the upstream gradient is ``dY``."""

    def __init__(self, traced: Traced, arrays: Mapping[str, Any]) -> None:
        for name, array in arrays.items():
            if array.dtype.kind not in "iufb":
                raise DataError(
                    f"{name} does not hold real numbers.", found=str(array.dtype), array=name
                )
        self.arrays = dict(arrays)
        self._upstream = "d" + traced.upstream
        self._needs = traced.needs
        self.functions: Mapping[str, Callable[[Any], Any]] = getattr(traced, "functions", {})

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def upstream(self, index: tuple[int, ...]) -> int | float:
        """An element of the upstream gradient."""
        return self.entry(self._upstream, index)

    def entry(self, name: str, index: tuple[int, ...]) -> int | float:
        """An element of an array as a Python number."""
        value = self.arrays[name].item(index)
        return int(value) if value is True or value is False else value

    def factor(self, factor: Factor) -> int | float:
        """An entry, or a function of one."""
        value = self.entry(factor.operand, factor.index)
        return value if factor.function is None else self.functions[factor.function](value)

    def factors(self, term: Term) -> list[int | float]:
        """The numbers that a term multiplies, in the order printed (the coefficient apart)."""
        numbers = [] if term.upstream is None else [self.upstream(term.upstream)]
        return numbers + [self.factor(factor) for factor in term.entries()]

    def known(self, target: str) -> bool:
        """Whether every array that the target's equations speak of was given."""
        return self._needs(target) <= self.arrays.keys()

    def term(self, term: Term) -> Number:
        """The value of a term."""
        value: Any = 1
        for factor in self.factors(term):
            value *= factor
        return scaled(value, term.coefficient)

    def equation(self, equation: Equation) -> int | float:
        """The value of the sum."""
        return total(self.term(term) for term in equation.terms)


def scaled(value: int | float, coefficient: int | Fraction) -> Number:
    """Value times coefficient, rounded once."""
    if coefficient == 1 and not isinstance(coefficient, Fraction):
        return value
    if isinstance(value, float):
        return value * coefficient.numerator / coefficient.denominator
    return value * coefficient


def total(values: Iterable[Number]) -> int | float:
    """The sum: exact for integers and fractions (given as float), rounded once for floats."""
    listed: list[Any] = list(values)
    if not any(isinstance(value, float) for value in listed):
        exact = sum(listed)
        return float(exact) if isinstance(exact, Fraction) else exact
    try:
        return math.fsum(listed)
    except (OverflowError, ValueError):  # infinities of both signs
        return float(sum(map(float, listed)))
