"""The dtype policy: what a sum of products is computed in, and what comes back.

result    np.result_type of the operands
float16   computed in float32, rounded once
integers  exact. With a bound B on sum |a||b| (which bounds every partial sum too):
          B < 2^53  float64 matrix products (every partial sum is a whole number a double holds)
          B < 2^63  int64
          beyond    Python integers; DataError only if the result does not fit int64
          They come back in np.result_type where it is an integer type that holds every element,
          else in int64: never rounded, never wrapped.

Booleans, complex numbers, text and objects are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from convgrad_cli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = "NDArray[Any]"

DOUBLE_EXACT = 2**53
INT64_LIMIT = 2**63

_OBJECT = np.dtype(object)
_FLOAT32 = np.dtype(np.float32)
_FLOAT64 = np.dtype(np.float64)
_INT64 = np.dtype(np.int64)


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
            remedy="integers beyond 64 bits are refused too" if array.dtype == _OBJECT else None,
        )
    return array


def sum_of_products(compute: Callable[..., Array], *operands: Array, terms: int) -> Array:
    """``compute(*operands)`` by the dtype policy.

    The first two operands are multiplied and at most ``terms`` such products summed for each
    element; a third is added (a bias).
    """
    if all(operand.dtype.kind in "iu" for operand in operands):
        return _exact(compute, operands, terms)
    result = result_dtype(*operands)
    working = _FLOAT32 if result.itemsize == 2 else result
    with np.errstate(over="ignore", invalid="ignore"):
        value = compute(*(operand.astype(working, copy=False) for operand in operands))
        return value.astype(result, copy=False)


def result_dtype(*operands: Array) -> np.dtype[Any]:
    """np.result_type in native byte order; int64 for integers that NumPy would make floats."""
    dtype = np.result_type(*(operand.dtype for operand in operands)).newbyteorder("=")
    integers = all(operand.dtype.kind in "iu" for operand in operands)
    return _INT64 if integers and dtype.kind == "f" else dtype


def _exact(compute: Callable[..., Array], operands: tuple[Array, ...], terms: int) -> Array:
    """Integers in, the exact integers out."""
    working = _integer_working_dtype(compute, operands, terms)
    value = compute(*(operand.astype(working, copy=False) for operand in operands))
    return narrowed(value, result_dtype(*operands))


def narrowed(value: Array, result: np.dtype[Any]) -> Array:
    """Whole numbers in any dtype, as ``result`` where that holds them all, else as int64.

    Raises DataError where int64 does not.
    """
    low, high = int(value.min()), int(value.max())
    limits = np.iinfo(result)
    if limits.min <= low and high <= limits.max:
        return value.astype(result, copy=False)
    if low < -INT64_LIMIT or high >= INT64_LIMIT:
        raise DataError(
            "The exact result does not fit 64-bit integers.",
            expected=f"numbers between {-INT64_LIMIT} and {INT64_LIMIT - 1}",
            found=str(low if low < -INT64_LIMIT else high),
            remedy="give the arrays as floating-point numbers",
        )
    return value.astype(_INT64, copy=False)


def _integer_working_dtype(
    compute: Callable[..., Array], operands: tuple[Array, ...], terms: int
) -> np.dtype[Any]:
    sizes = [magnitude(operand) for operand in operands]
    bound = sizes[0] * sizes[1] * terms + sum(sizes[2:])
    if bound >= DOUBLE_EXACT:
        # The largest product everywhere is a coarse bound: take sum |a||b| itself, in doubles,
        # raised by more than their rounding.
        absolute = (np.abs(operand.astype(_FLOAT64)) for operand in operands)
        bound = min(bound, int(float(compute(*absolute).max()) * (1 + 2**-20)) + 1)
    return _FLOAT64 if bound < DOUBLE_EXACT else _INT64 if bound < INT64_LIMIT else _OBJECT


def magnitude(array: Array) -> int:
    """The largest absolute value, as a Python integer (|int64 min| has no int64)."""
    return max(int(array.max()), -int(array.min()))
