"""How numbers stand in an equation: a sign in parentheses, a rounded float, a power of ten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.derivation.numbers import Number

_TIMES = {"ascii": "*", "latex": r" \cdot ", "mathml": "<mo>·</mo>"}


@dataclass(frozen=True)
class Digits:
    """Numbers in one script, with so many significant digits (None: every digit)."""

    script: str
    digits: int | None = None

    def number(self, value: Number) -> str:
        """One number."""
        if isinstance(value, int):
            return str(value)
        if isinstance(value, Fraction):
            return self._fraction(value)
        if not math.isfinite(value):
            return self._special(value)
        text = repr(value) if self.digits is None else f"{value:.{self.digits}g}"
        text = text.removesuffix(".0")
        mantissa, mark, exponent = text.partition("e")
        if mark and self.script == "latex":
            return rf"{mantissa} \times 10^{{{int(exponent)}}}"
        return text

    def factor(self, value: Number) -> str:
        """A number that is multiplied or added: negative ones in parentheses."""
        text = self.number(value)
        return f"({text})" if text.startswith("-") else text

    def product(self, numbers: Sequence[int | float], coefficient: int | Fraction) -> str:
        """``2·1``, or ``1/4·(-3)`` with a coefficient."""
        texts = [self.factor(value) for value in numbers]
        if coefficient != 1 or not texts:
            texts.insert(0, self.factor(Fraction(coefficient)))
        return _TIMES.get(self.script, "·").join(texts)

    def _fraction(self, value: Fraction) -> str:
        if value.denominator == 1:
            return str(value.numerator)
        if self.script == "latex":
            sign = "-" if value < 0 else ""
            return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
        return str(value)

    def _special(self, value: float) -> str:
        if math.isnan(value):
            return r"\mathrm{NaN}" if self.script == "latex" else "NaN"
        word = {"latex": r"\infty", "unicode": "∞"}.get(self.script, "inf")
        return f"-{word}" if value < 0 else word
