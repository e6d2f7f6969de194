"""The keys of a JSON text: any given twice, and where the values are, without paying for numbers.

Every JSON parser in reach keeps the last of two equal keys in silence, or is slow. Here the text
is walked from quotation mark to quotation mark, and between two strings only braces matter, so a
large array is passed over in one stride. The text is already known to be valid.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import orjson

_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_COLON: Final = re.compile(rb"[ \t\r\n]*:")
_BRACE: Final = re.compile(rb"[{}]")


class Keys(NamedTuple):
    """What the walk finds.

    duplicate: the first key that stands twice in one object, at any depth.
    stretches: for the keys of the outermost object whose value holds no string, where that value
    lies in the text, with the punctuation around it.
    """

    duplicate: str | None
    stretches: dict[str, tuple[int, int]]


def read_keys(text: bytes) -> Keys:
    """The keys of an object in a JSON text.

    >>> read_keys(b'{"X": [1], "geometry": {"stride": 1}, "X": [2]}').duplicate
    'X'
    """
    # Escapes are masked by as many harmless bytes, so that every quotation mark left is a border.
    masked = _ESCAPE.sub(b"__", text) if b"\\" in text else text
    open_objects: list[set[bytes]] = []
    stretches: dict[str, tuple[int, int]] = {}
    last: str | None = None  # the key of the outermost object that the string before was
    position = 0
    while (start := masked.find(b'"', position)) >= 0:
        _follow_braces(masked, position, start, open_objects)
        end = masked.index(b'"', start + 1)
        before, position = position, end + 1
        key = _plain(text[start + 1 : end]) if _COLON.match(masked, position) else None
        outermost = key is not None and len(open_objects) == 1
        if last is not None and outermost:
            stretches[last] = (before, start)
        last = key.decode() if key is not None and outermost else None
        if key is not None:
            if key in open_objects[-1]:
                return Keys(key.decode(), stretches)
            open_objects[-1].add(key)
    if last is not None:
        stretches[last] = (position, len(text))
    return Keys(None, stretches)


def _follow_braces(text: bytes, start: int, end: int, open_objects: list[set[bytes]]) -> None:
    """Open and close objects as the structure between two strings does."""
    if text.find(b"{", start, end) >= 0 or text.find(b"}", start, end) >= 0:
        for brace in _BRACE.findall(text, start, end):
            if brace == b"{":
                open_objects.append(set())
            else:
                open_objects.pop()


def _plain(key: bytes) -> bytes:
    """The key with its escapes resolved, so that ``"\\u0058"`` and ``"X"`` are one key."""
    return str(orjson.loads(b'"' + key + b'"')).encode() if b"\\" in key else key
