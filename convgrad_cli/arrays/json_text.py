"""JSON in: an array as nested lists, a bundle as one object.

orjson parses; what it smooths over is caught here: a key given twice (it keeps the last), an
integer beyond 64 bits (it rounds to a float), a boolean among numbers (numpy takes it for 1). A
large array of plain numbers still costs little more than its parsing: raggedness shows in the
lengths of the rows, and the types are looked at one by one only where the text could hold
anything but numbers. Only after a suspicion does the slow walk of ``json_faults`` name the fault.
"""

from __future__ import annotations

import gc
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import contextmanager
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import orjson

from convgrad_cli.arrays.json_faults import check_faults, exact_integer, with_nonfinite
from convgrad_cli.arrays.json_keys import read_keys
from convgrad_cli.arrays.names import shown
from convgrad_cli.arrays.numeric import MAX_RANK, Array, restored, too_deep
from convgrad_cli.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM: Final = b"\xef\xbb\xbf"
_NOT_NUMBERS: Final = (b'"', b"{", b"t", b"f", b"n")  # one of them starts every other JSON value
_FRACTIONS: Final = (b".", b"e", b"E")
_LONG_INTEGER: Final = re.compile(rb"[\[,:\s-]\d{19,}\s*[,\]}]")
_INT64_END: Final = 2.0**63


class JsonText:
    """A parsed JSON text: one array, or an object whose members may be arrays."""

    def __init__(self, text: bytes, name: str) -> None:
        """Raises FileError for text that is not JSON or that gives a key twice."""
        self._text = text.removeprefix(_BOM)
        self._root = _parsed(self._text, name)
        self._stretches: dict[str | None, tuple[int, int]] = {None: (0, len(self._text))}
        if self.named:
            keys = read_keys(self._text)
            if keys.duplicate is not None:
                raise FileError(
                    f"{name} cannot be read: the key {shown(keys.duplicate)} is given twice.",
                    expected="every key once",
                    remedy="take one of the two out",
                )
            self._stretches.update(keys.stretches)

    @property
    def named(self) -> bool:
        return isinstance(self._root, dict)

    def keys(self) -> list[str]:
        """The keys of the object; none for an array."""
        return list(self._root) if isinstance(self._root, dict) else []

    def value(self, key: str) -> object:
        """One member of the object as plain Python."""
        return _member(self._root, key)

    def is_null(self, key: str) -> bool:
        """Whether the member is null, which stands for "not given"."""
        return _member(self._root, key) is None

    def array(self, key: str | None, name: str, *, allow_nonfinite: bool = False) -> Array:
        """One member (or, with None, the whole text) as an array: int64 or float64, or what
        ``dtypes`` of one of our own results says it was.

        Raises DataError, naming the first place: ragged, too deep, not a number, beyond 64 bits.
        """
        array = plain_array(_member(self._root, key), self._kinds(key))
        if array is None or self._may_be_rounded(array):
            array = self._exact_array(key, name, allow_nonfinite)
        dtypes = _member(self._root, "dtypes") if "dtypes" in self.keys() else None
        return restored(array, dtypes.get(key)) if isinstance(dtypes, dict) else array

    def close(self) -> None:
        """Nothing to do: the text is in memory."""

    def _kinds(self, key: str | None) -> set[type] | None:
        """The types that the numbers of a member parse to; None if it may hold more than numbers.

        The text tells them: at a million numbers it is searched in an eighth of the time that
        looking at each of them takes.
        """
        start, end = self._stretches.get(key, (0, 0))
        if start == end or _holds_any(self._text, _NOT_NUMBERS, start, end):
            return None
        return {int, float} if _holds_any(self._text, _FRACTIONS, start, end) else {int}

    def _exact_array(self, key: str | None, name: str, allow_nonfinite: bool) -> Array:
        """The array by the slow way, which names the first fault if there is one."""
        exact = _member(self._parsed_exactly(name), key)
        check_faults(exact, name, allow_nonfinite=allow_nonfinite)
        array = plain_array(with_nonfinite(exact))
        assert array is not None, "no fault found in an array that could not be built"
        return array

    def _may_be_rounded(self, array: Array) -> bool:
        """Whether orjson may have turned an integer literal beyond 64 bits into a float."""
        if not array.size or -_INT64_END < array.min() <= array.max() < _INT64_END:
            return False
        return _LONG_INTEGER.search(b" " + self._text + b",") is not None

    def _parsed_exactly(self, name: str) -> object:
        """The text once more, by the slow parser that shows every integer literal as written."""
        import json

        try:
            return json.loads(self._text, parse_int=exact_integer)
        except RecursionError:
            raise too_deep(name, "hundreds of levels") from None


def plain_array(value: object, kinds: set[type] | None = None) -> Array | None:
    """The int64 or float64 array of rectangular nested lists; None for anything else.

    kinds: the types of the numbers, where the text has told them. Otherwise every element is
    looked at, because numpy would take true for 1 and "1.5" for 1.5.
    """
    if type(value) is not list:
        return _filled([[value]], (), kinds)
    shape: tuple[int, ...] = ()
    lists: list[Any] = [value]
    while set(map(type, lists)) == {list}:
        sizes = set(map(len, lists))
        if len(sizes) != 1 or len(shape) == MAX_RANK:
            return None
        shape += (sizes.pop(),)
        first = lists[0]
        if not first or type(first[0]) is not list:
            return _filled(lists, shape, kinds)
        lists = list(chain.from_iterable(lists))
    return None


def _filled(rows: list[Any], shape: tuple[int, ...], kinds: set[type] | None) -> Array | None:
    """The array of that shape from its rows, the innermost lists; None if they hold no numbers."""
    if kinds is None:
        kinds = set(map(type, chain.from_iterable(rows)))
    if not kinds <= {int, float}:
        return None
    dtype = np.int64 if kinds == {int} else np.float64
    elements = rows[0] if len(rows) == 1 else chain.from_iterable(rows)
    try:
        return np.fromiter(elements, dtype, prod(shape)).reshape(shape)
    except (ValueError, TypeError, OverflowError):  # a list among the numbers, or beyond int64
        return None


def _holds_any(text: bytes, marks: tuple[bytes, ...], start: int, end: int) -> bool:
    return any(text.find(mark, start, end) >= 0 for mark in marks)


def _member(root: object, key: str | None) -> object:
    return root if key is None else cast("dict[str, object]", root)[key]


def _parsed(text: bytes, name: str) -> object:
    try:
        with _collector_paused():
            return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth limit" in error.msg:
            raise too_deep(name, "more than 1000 levels") from None
        if "UTF-8" in error.msg or b"\0" in text[:4]:
            raise _other_encoding(text, name) from None
        raise FileError(
            f"{name} cannot be read: it is not valid JSON.",
            found=f"{error.msg} (line {error.lineno}, column {error.colno})",
            remedy=_json_remedy(error),
        ) from None


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile: parsing makes no garbage, but short rows by the thousand
    make Python look for some again and again (half of the time for rows of three numbers)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _other_encoding(text: bytes, name: str) -> FileError:
    """What is said of bytes that are not UTF-8, which is all that JSON may be in."""
    wide = text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in text[:4]
    return FileError(
        f"{name} cannot be read: it is not UTF-8 text.",
        expected="JSON, which is in UTF-8",
        found="text in UTF-16" if wide else "bytes that are none",
        remedy="save it as UTF-8",
    )


def _json_remedy(error: orjson.JSONDecodeError) -> str | None:
    rest = error.doc[error.pos : error.pos + 9].lstrip("+-")
    if rest.startswith(("NaN", "nan", "Inf", "inf")):
        return 'JSON has no NaN and no infinities: write "NaN" and pass --allow-nonfinite'
    if "infinity" in error.msg:
        return "a number must fit float64, which ends at 1.8e308"
    return None
