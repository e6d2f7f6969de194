"""Is the user's array the right one? Rules, tolerances, and where the two differ.

default    |found − expected| ≤ (4 + 2√n)·ε·Σ|terms| + 4·ε·max Σ|terms|
           n terms, ε of the least precise dtype involved; integers on all sides: equality.
           A sum of n rounded products is off by about √n·ε/2 of the sum of their sizes,
           in whatever order it is taken; the second part allows for transforms (FFT,
           Winograd), whose errors follow the largest element. Near zero this stays
           meaningful, where a relative error does not.
rtol/atol  |found − expected| ≤ atol + rtol·|expected|
allclose   the same with 1e-8 + 1e-5·|expected|
cs231n     |found − expected| ≤ 1e-6·max(1e-8, |found| + |expected|)
exact      equality
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.check.planes import Array

RULES = ("default", "allclose", "cs231n", "exact")
CS231N_LIMIT, CS231N_FLOOR = 1e-6, 1e-8
#: Arrays copied from a print-out: so many decimals, and so fine beside the largest number.
DECIMALS = range(4, 13)
PRINTED_PART = 1e-4


@dataclass(frozen=True)
class Rule:
    """How close is close enough."""

    name: str = "default"
    rtol: float = 0.0
    atol: float = 0.0

    def tolerance(self, found: Array, expected: Array, noise: Array) -> Array:
        """The largest difference allowed at each element; ``noise`` is the default's."""
        match self.name:
            case "default":
                return noise
            case "cs231n":
                sizes = np.abs(found) + np.abs(expected)
                return np.asarray(CS231N_LIMIT * np.maximum(CS231N_FLOOR, sizes))
            case "exact":
                return np.zeros(expected.shape)
            case _:
                return np.asarray(self.atol + self.rtol * np.abs(expected))


def choose_rule(name: str | None, rtol: float | None, atol: float | None) -> Rule:
    """The rule asked for. Raises UsageError for an unknown one, or one with rtol or atol too."""
    if name is not None and name not in RULES:
        raise UsageError(f"Unknown rule {name!r}.", expected=f"one of {', '.join(RULES)}")
    if rtol is None and atol is None:
        return Rule("allclose", 1e-5, 1e-8) if name == "allclose" else Rule(name or "default")
    if name is not None:
        raise UsageError(
            f"The rule {name} has its own tolerances.",
            found="--rtol or --atol beside --rule",
            remedy="give either --rule, or --rtol and --atol",
        )
    for label, value in (("--rtol", rtol), ("--atol", atol)):
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{label} must be a number that is not negative.", found=str(value))
    return Rule("rtol/atol", rtol or 0.0, atol or 0.0)


@dataclass(frozen=True)
class Noise:
    """How far rounding alone may bring an array from the right one."""

    epsilon: float
    factor: float
    dtype: str
    decimals: int | None = None

    def at(self, magnitude: Array) -> Array:
        """The noise at each element, from the sum of its terms' sizes."""
        top = float(magnitude.max(initial=0.0))
        grain = 0.5 * 10.0**-self.decimals * (1 + 1e-6) if self.decimals is not None else 0.0
        return np.asarray(self.epsilon * (self.factor * magnitude + 4 * top) + grain)

    def everywhere(self, top: float) -> float:
        """The same for an element of size ``top`` at most."""
        return float(self.at(np.array([top]))[0])


def noise_of(
    found: Array, operands: Iterable[Array], right: Array, terms: int, largest: float
) -> Noise:
    """The noise to allow for: of the least precise dtype, and of a print-out's rounding."""
    arrays = [found, *operands]
    kinds = {array.dtype for array in arrays if array.dtype.kind == "f"}
    if not kinds and right.dtype.kind == "f":
        kinds = {np.dtype(np.float64)}
    factor = 4 + 2 * sqrt(terms)
    if not kinds:
        return Noise(0.0, factor, "integers")
    coarsest = max(kinds, key=lambda dtype: float(np.finfo(dtype).eps))
    decimals = _printed_decimals(found, largest)
    return Noise(float(np.finfo(coarsest).eps), factor, coarsest.name, decimals)


def _printed_decimals(found: Array, largest: float) -> int | None:
    """To how many decimals every number of ``found`` is rounded, where it looks printed."""
    if found.dtype.kind != "f" or not found.size:
        return None
    numbers = found[np.isfinite(found)].astype(np.float64).ravel()[:100_000]
    if not numbers.size or np.all(numbers == np.round(numbers, DECIMALS[0] - 1)):
        return None
    # Finer than the dtype itself, any array is "rounded".
    finest = 4 * float(np.finfo(found.dtype).eps) * float(np.abs(numbers).max())
    for decimals in DECIMALS:
        if 10.0**-decimals < finest:
            return None
        fine_enough = 0.5 * 10.0**-decimals <= PRINTED_PART * largest
        rounded = np.round(numbers, decimals).astype(found.dtype)
        if fine_enough and np.array_equal(rounded.astype(np.float64), numbers):
            return decimals
    return None


@dataclass(frozen=True)
class Comparison:
    """Two arrays of one shape held against each other; indices are canonical."""

    right: bool
    max_abs_error: float | None
    max_rel_error: float | None
    worst_index: tuple[int, ...] | None
    worst_rel_index: tuple[int, ...] | None
    expected: float | int | None
    found: float | int | None
    differing: int
    total: int
    nonfinite: int
    mask: Array = field(repr=False)
    largest_tolerance: float = 0.0


def compare(found: Array, expected: Array, rule: Rule, noise: Array) -> Comparison:
    """Hold ``found`` against ``expected``: both finite numbers, or the same NaN or infinity."""
    f, e = found.astype(np.float64), expected.astype(np.float64)
    same = _identical(found, expected)
    finite = np.isfinite(f) & np.isfinite(e)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(same, 0.0, np.where(finite, np.abs(f - e), np.inf))
        _exact_gaps(error, found, expected, ~same)
        allowed = rule.tolerance(f, e, noise)
        mask = ~same & ~(finite & (error <= np.where(finite, allowed, 0.0)))
    size = np.maximum(np.abs(f), np.abs(e))
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(error == 0, 0.0, np.where(finite, error / size, np.inf))
    bad = int(np.count_nonzero(~np.isfinite(f) & ~same))
    worst = _worst(error, finite)
    worst_rel = _worst(relative, finite)
    limits = allowed[np.isfinite(allowed)]
    return Comparison(
        right=not mask.any(),
        max_abs_error=None if worst is None else float(error[worst]),
        max_rel_error=None if worst_rel is None else float(relative[worst_rel]),
        worst_index=worst,
        worst_rel_index=worst_rel,
        expected=None if worst is None else expected[worst].item(),
        found=None if worst is None else found[worst].item(),
        differing=int(np.count_nonzero(mask)),
        total=int(mask.size),
        nonfinite=bad,
        mask=mask,
        largest_tolerance=float(limits.max(initial=0.0)),
    )


def _identical(found: Array, expected: Array) -> Array:
    """Equal, exactly (integers are not rounded to doubles), NaN equal to NaN."""
    same = found == expected
    if found.dtype.kind == "f" and expected.dtype.kind == "f":
        same = same | (np.isnan(found) & np.isnan(expected))
    return np.asarray(same)


def _exact_gaps(error: Array, found: Array, expected: Array, apart: Array) -> None:
    """Put the exact difference of integers into ``error``: two beyond 2⁵³ may be one double."""
    if found.dtype.kind in "iu" and expected.dtype.kind in "iu":
        gaps = found[apart].astype(object) - expected[apart].astype(object)
        error[apart] = np.abs(gaps).astype(np.float64)


def _worst(error: Array, finite: Array) -> tuple[int, ...] | None:
    """Where the largest error is, among finite numbers if there are any."""
    if not finite.any():
        return None
    place = np.unravel_index(int(np.argmax(np.where(finite, error, -1.0))), error.shape)
    return tuple(int(i) for i in place)


def fits(found: Array, variant: Array, rule: Rule, noise: Noise, top: float) -> bool:
    """Whether ``variant`` reproduces ``found`` at its finite elements (same shape needed)."""
    if found.shape != variant.shape:
        return False
    finite = np.isfinite(found)
    f, v = found[finite].astype(np.float64), variant[finite]
    if not f.size:
        return False
    allowed = np.full(f.shape, noise.everywhere(max(top, float(np.abs(v).max(initial=0.0)))))
    allowed = np.maximum(allowed, rule.tolerance(f, v, allowed))
    return bool(np.all(np.abs(f - v) <= allowed))
