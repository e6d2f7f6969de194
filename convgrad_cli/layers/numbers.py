"""The dtype policy: what a sum of products is computed in, and what comes back.

result    np.result_type of the operands
float16   computed in float32, rounded once
integers  exact. With B = max of sum |a||b|, which bounds every partial sum too:
          B < 2^53  float64 matrix products (every partial sum is a whole number a double holds)
          B < 2^63  int64
          beyond    Python integers; DataError only if the result does not fit int64
          They come back in np.result_type where that is an integer type that holds every
          element, else in int64: never rounded, never wrapped.

Booleans, complex numbers, text and objects are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from convgrad_cli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = "NDArray[Any]"

DOUBLE_EXACT = 2**53
INT64_LIMIT = 2**63

OBJECT = np.dtype(object)
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)


class Arithmetic(NamedTuple):
    """What to compute in, what to store meanwhile, and what to return."""

    working: np.dtype[Any]
    stored: np.dtype[Any]
    result: np.dtype[Any]


class Magnitudes:
    """The largest absolute value of each array, found once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Array, int]] = {}

    def __call__(self, array: Array) -> int:
        """As a Python integer (|int64 min| has no int64)."""
        if id(array) not in self._known:
            self._known[id(array)] = (array, max(int(array.max()), -int(array.min())))
        return self._known[id(array)][1]


def numeric(value: ArrayLike, name: str) -> Array:
    """``value`` as an array of integers or real floats (no copy where it is one already).

    Raises DataError for anything else.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(f"{name} is ragged: its rows differ in length.", array=name) from error
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{name} does not hold real numbers.",
            expected="integers or floating-point numbers",
            found=f"dtype {array.dtype}",
            array=name,
            remedy="integers beyond 64 bits are refused too" if array.dtype == OBJECT else None,
        )
    return array


def result_dtype(*operands: Array) -> np.dtype[Any]:
    """np.result_type in native byte order; int64 for integers that NumPy would make floats."""
    dtype = np.result_type(*(operand.dtype for operand in operands)).newbyteorder("=")
    if dtype.kind == "f" and all(operand.dtype.kind in "iu" for operand in operands):
        return INT64
    return dtype


def arithmetic(
    operands: tuple[Array, ...],
    terms: int,
    magnitude: Magnitudes,
    compute: Callable[..., Array] | None = None,
) -> Arithmetic:
    """The arithmetic of a sum of at most ``terms`` products of the first two operands.

    Further operands are added (a bias). Where the largest products are too coarse a bound,
    ``compute`` (the sum itself) bounds it by its own value on the absolute operands.
    """
    result = result_dtype(*operands)
    if result.kind == "f":
        return Arithmetic(FLOAT32 if result.itemsize == 2 else result, result, result)
    bound = magnitude(operands[0]) * magnitude(operands[1]) * terms
    bound += sum(magnitude(operand) for operand in operands[2:])
    if bound >= DOUBLE_EXACT and compute is not None:
        absolute = (np.abs(operand.astype(FLOAT64)) for operand in operands)
        # Raised by more than the rounding of the doubles it was summed in.
        bound = min(bound, int(float(compute(*absolute).max()) * (1 + 2**-20)) + 1)
    working = FLOAT64 if bound < DOUBLE_EXACT else INT64 if bound < INT64_LIMIT else OBJECT
    holds = bound <= min(int(np.iinfo(result).max), INT64_LIMIT - 1)
    return Arithmetic(working, result if holds else OBJECT if working == OBJECT else INT64, result)


def sum_of_products(compute: Callable[..., Array], *operands: Array, terms: int) -> Array:
    """``compute(*operands)`` by the dtype policy.

    The first two operands are multiplied and at most ``terms`` such products summed for each
    element; further ones are added (a bias).
    """
    kind = arithmetic(operands, terms, Magnitudes(), compute)
    with np.errstate(over="ignore", invalid="ignore"):
        value = compute(*(operand.astype(kind.working, copy=False) for operand in operands))
        if kind.result.kind == "f":
            return value.astype(kind.result, copy=False)
    return narrowed(value, kind.result)


def narrowed(value: Array, result: np.dtype[Any]) -> Array:
    """Whole numbers in any dtype, as ``result`` where that holds them all, else as int64.

    Raises DataError where int64 does not.
    """
    if result == value.dtype == INT64:
        return value
    low, high = int(value.min()), int(value.max())
    limits = np.iinfo(result)
    if limits.min <= low and high <= min(limits.max, INT64_LIMIT - 1):
        return value.astype(result, copy=False)
    if low < -INT64_LIMIT or high >= INT64_LIMIT:
        raise DataError(
            "The exact result does not fit 64-bit integers.",
            expected=f"numbers between {-INT64_LIMIT} and {INT64_LIMIT - 1}",
            found=str(low if low < -INT64_LIMIT else high),
            remedy="give the arrays as floating-point numbers",
        )
    return value.astype(INT64, copy=False)
