"""How a number looks, in one place: exact for machines, a few significant digits for people.

Exact: the shortest decimal that reads back as the same float (orjson's, at a million in 0.04 s).
Display: integers whole; floats at a number of significant digits, and one notation, fixed or
scientific, for a whole array, so that its columns align on the decimal point.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convgrad_cli.render.result import Array

DIGITS: Final = 6
"""Significant digits shown to a person unless asked for more."""

AT_ONCE: Final = 1 << 20
"""Numbers written by one call of the JSON library. Between two calls Ctrl-C is heard."""

_EXACT_WHOLE: Final = 2.0**53  # whole floats below are shown in all their digits
_NUMPY: Final = orjson.OPT_SERIALIZE_NUMPY


def orjson_takes(array: Array) -> bool:
    """Whether orjson writes ``array`` exactly as it is, without a copy made for it."""
    whole = array.ndim > 0 and array.flags.c_contiguous and array.dtype.isnative
    return whole and array.dtype != np.float16 and not _holds_nonfinite(array)


def exact_json(array: Array) -> bytes:
    """``array`` as JSON, every number exact, non-finite ones as strings."""
    array = np.asarray(array)  # orjson knows no subclasses: a mapped file is one
    if orjson_takes(array):
        return b"".join(json_parts(array))
    if array.ndim == 0:
        return exact_json(array.reshape(1))[1:-1]
    if array.dtype == np.float16:
        array = array.astype(np.float32)  # exact, and written with float32's digits
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    text = b"".join(json_parts(native))
    return _with_words(text, native) if _holds_nonfinite(native) else text


def json_parts(array: Array) -> Iterator[bytes | memoryview]:
    """The text of an array that orjson takes, by at most ``AT_ONCE`` numbers at a time."""
    if array.size <= AT_ONCE:
        yield orjson.dumps(array, option=_NUMPY)
        return
    rows = AT_ONCE * len(array) // array.size
    mark = b"["
    for start in range(0, len(array), rows or 1):
        yield mark
        if rows:
            yield memoryview(orjson.dumps(array[start : start + rows], option=_NUMPY))[1:-1]
        else:
            yield from json_parts(array[start])
        mark = b","
    yield b"]"


def nonfinite_word(value: float) -> str:
    """The contract's word for a number that JSON does not have."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def exact_tokens(row: Array) -> list[str]:
    """The numbers of a one-dimensional array, each exact, as a text file has them."""
    return exact_json(row)[1:-1].replace(b'"', b"").decode().split(",")


def display_tokens(values: Array, digits: int | None = None) -> list[str]:
    """All numbers of an array in row-major order, rounded for the eye, in one notation."""
    digits = digits or DIGITS
    flat = values.reshape(-1)
    if flat.dtype.kind in "iub":
        return [str(int(value)) for value in flat.tolist()]
    numbers: list[float] = flat.tolist()
    finite = [number for number in numbers if math.isfinite(number)]
    if all(number.is_integer() and abs(number) < _EXACT_WHOLE for number in finite):
        return [_special(number) or str(int(number)) for number in numbers]
    exponents = [int(f"{number:.{digits - 1}e}".partition("e")[2]) for number in finite if number]
    if max(exponents) < max(digits, DIGITS) and min(exponents) >= -4:
        return [_special(number) or _fixed(number, digits) for number in numbers]
    return _scientific(numbers, digits)


def rounded_tokens(values: Array, digits: int) -> list[str]:
    """Like :func:`display_tokens`, each number in its own notation: for a great many numbers."""
    flat = values.reshape(-1)
    if flat.dtype.kind in "iub":
        return [str(int(value)) for value in flat.tolist()]
    return [_special(value) or f"{value:.{digits}g}" for value in flat.tolist()]


def aligned(tokens: Iterable[str]) -> list[str]:
    """The tokens padded to one width, their decimal points under each other."""
    parts = [_at_point(token) for token in tokens]
    before = max((len(whole) for whole, _ in parts), default=0)
    after = max((len(rest) for _, rest in parts), default=0)
    return [whole.rjust(before) + rest.ljust(after) for whole, rest in parts]


def _at_point(token: str) -> tuple[str, str]:
    """``12.5e-3`` → ("12", ".5e-3"); without a point or exponent all of it stands before."""
    for mark in ".e":
        place = token.find(mark)
        if place > 0:
            return token[:place], token[place:]
    return token, ""


def _special(number: float) -> str | None:
    if math.isfinite(number):
        return None
    return "NaN" if math.isnan(number) else "Inf" if number > 0 else "-Inf"


def _fixed(number: float, digits: int) -> str:
    """``digits`` significant digits without an exponent and without zeros at the end."""
    exponent = int(f"{number:.{digits - 1}e}".partition("e")[2])
    text = f"{number:.{max(digits - 1 - exponent, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scientific(numbers: list[float], digits: int) -> list[str]:
    """Mantissas with as many decimals as the longest needs, exponents of one width."""
    split = [
        (_special(number) or "0", "") if not number or _special(number) else _parts(number, digits)
        for number in numbers
    ]
    decimals = max(len(mantissa.partition(".")[2]) for mantissa, _ in split)
    wide = max(len(exponent) for _, exponent in split)
    return [
        mantissa
        if not exponent
        else f"{_padded(mantissa, decimals)}e{exponent[0]}{exponent[1:].rjust(wide - 1, '0')}"
        for mantissa, exponent in split
    ]


def _parts(number: float, digits: int) -> tuple[str, str]:
    mantissa, _, exponent = f"{number:.{digits - 1}e}".partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa), exponent


def _padded(mantissa: str, decimals: int) -> str:
    if not decimals:
        return mantissa
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}"


def _holds_nonfinite(array: Array) -> bool:
    return array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def _with_words(text: bytes, array: Array) -> bytes:
    """``text`` with each of its nulls replaced by the word for the number that stood there."""
    flat = array.reshape(-1)
    special = flat[~np.isfinite(flat)].tolist()
    words = [orjson.dumps(nonfinite_word(value)) for value in special]
    pieces = text.split(b"null")
    joined = [pieces[0]]
    for word, piece in zip(words, pieces[1:], strict=True):
        joined += (word, piece)
    return b"".join(joined)
