"""The slow walk through a JSON array that names what is wrong with it, and where.

Runs only after the fast path has met something it does not know; reads the nested lists in
row-major order and stops at the first fault.
"""

from __future__ import annotations

from typing import Final

from convgrad_cli.arrays.names import shown
from convgrad_cli.arrays.numeric import MAX_RANK, not_finite, too_big, too_deep
from convgrad_cli.errors import DataError

NONFINITE_WORDS: Final = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_INT64_DIGITS: Final = 19


class BigInteger(str):
    """An integer literal, as written, that does not fit int64."""

    __slots__ = ()


def exact_integer(literal: str) -> int | BigInteger:
    """The integer of a JSON literal if it fits int64, else the literal itself, marked."""
    if len(literal) > _INT64_DIGITS + 1:
        return BigInteger(literal)
    value = int(literal)
    return value if -(2**63) <= value < 2**63 else BigInteger(literal)


def check_faults(value: object, name: str, *, allow_nonfinite: bool) -> None:
    """DataError for the first thing in nested lists that an array of numbers cannot hold."""
    _check(value, (), _leading_shape(value, name), name, allow_nonfinite)


def with_nonfinite(value: object) -> object:
    """The nested lists with the words "NaN", "Infinity", "-Infinity" as the floats they name."""
    if isinstance(value, list):
        return [with_nonfinite(entry) for entry in value]
    return NONFINITE_WORDS[value] if isinstance(value, str) else value


def _leading_shape(value: object, name: str) -> tuple[int, ...]:
    """The shape that the first entries promise."""
    shape: tuple[int, ...] = ()
    while isinstance(value, list):
        if len(shape) == MAX_RANK:
            raise too_deep(name, f"more than {MAX_RANK} levels")
        shape += (len(value),)
        value = value[0] if value else None
    return shape


def _check(
    value: object, index: tuple[int, ...], shape: tuple[int, ...], name: str, allow: bool
) -> None:
    depth = len(index)
    if not isinstance(value, list):
        if isinstance(value, (bool, str, dict)) or value is None:
            _refuse(value, index, name, allow)
        if depth < len(shape):
            raise _uneven(name, index, f"a list of {_entries(shape[depth])}", "a number")
        return
    if depth == len(shape):
        raise _uneven(name, index, "a number", f"a list of {_entries(len(value))}")
    if len(value) != shape[depth]:
        raise _ragged(name, index, _entries(shape[depth]), _entries(len(value)))
    for position, entry in enumerate(value):
        _check(entry, (*index, position), shape, name, allow)


def _refuse(value: object, index: tuple[int, ...], name: str, allow_nonfinite: bool) -> None:
    if isinstance(value, BigInteger):
        raise too_big(name, value, _at(index))
    if isinstance(value, str) and value in NONFINITE_WORDS:
        if allow_nonfinite:
            return
        raise not_finite(name, index, NONFINITE_WORDS[value])
    what, found = {
        bool: ("a boolean", "true" if value else "false"),
        str: ("text", shown(str(value))),
        dict: ("an object", "{…}"),
    }.get(type(value), ("null", "null"))
    raise DataError(
        f"{name} holds {what} where a number belongs.",
        expected="a number",
        found=f"{found}{_at(index)}",
        array=name,
    )


def _uneven(name: str, index: tuple[int, ...], expected: str, found: str) -> DataError:
    return _ragged(name, index, expected, found, "numbers and lists stand side by side")


def _ragged(
    name: str,
    index: tuple[int, ...],
    expected: str,
    found: str,
    what: str = "its rows differ in length",
) -> DataError:
    first = (0,) * len(index)
    return DataError(
        f"{name} is ragged: {what}.",
        expected=f"{expected}{_at(index)}" + (f", as at {list(first)}" if index != first else ""),
        found=found,
        array=name,
    )


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _at(index: tuple[int, ...]) -> str:
    return f" at {list(index)}" if index else ""
