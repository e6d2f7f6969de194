"""Finding a key given twice in a JSON text, without paying for the numbers in it.

Every JSON parser in reach keeps the last of two equal keys in silence, or is slow. Here the text
is walked from quotation mark to quotation mark, and between two strings only braces matter, so a
large array is passed over in one stride. The text is already known to be valid.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_COLON: Final = re.compile(rb"[ \t\r\n]*:")
_BRACE: Final = re.compile(rb"[{}]")


def first_duplicate_key(text: bytes) -> str | None:
    """The first key that stands twice in one object (at any depth), or None.

    >>> first_duplicate_key(b'{"X": [1], "geometry": {"stride": 1}, "X": [2]}')
    'X'
    """
    # Escapes are masked by as many harmless bytes, so that every quotation mark left is a border.
    masked = _ESCAPE.sub(b"__", text) if b"\\" in text else text
    open_objects: list[set[bytes]] = []
    position = 0
    while (start := masked.find(b'"', position)) >= 0:
        _follow_braces(masked, position, start, open_objects)
        end = masked.index(b'"', start + 1)
        position = end + 1
        if _COLON.match(masked, position):
            key = _plain(text[start + 1 : end])
            if key in open_objects[-1]:
                return key.decode()
            open_objects[-1].add(key)
    return None


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
