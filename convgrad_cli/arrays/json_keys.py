"""Finding a key given twice in a JSON text, without paying for the numbers in it.

Every JSON parser in reach keeps the last of two equal keys in silence, or is slow. Here the text
is cut at its quotation marks, which leaves strings and the structure between them; a large array
is one piece of structure, and only its braces are counted. The text is already known to be valid.
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
    pieces = masked.split(b'"')  # structure, string, structure, …, structure
    open_objects: list[set[bytes]] = []
    position = 0
    _count_braces(pieces[0], open_objects)
    for string, structure in zip(pieces[1::2], pieces[2::2], strict=True):
        start = masked.index(b'"', position) + 1
        position = start + len(string) + 1
        if _COLON.match(structure):
            key = _plain(text[start : start + len(string)])
            if key in open_objects[-1]:
                return key.decode()
            open_objects[-1].add(key)
        _count_braces(structure, open_objects)
    return None


def _count_braces(structure: bytes, open_objects: list[set[bytes]]) -> None:
    if b"{" in structure or b"}" in structure:
        for brace in _BRACE.findall(structure):
            if brace == b"{":
                open_objects.append(set())
            else:
                open_objects.pop()


def _plain(key: bytes) -> bytes:
    """The key with its escapes resolved, so that ``"\\u0058"`` and ``"X"`` are one key."""
    return str(orjson.loads(b'"' + key + b'"')).encode() if b"\\" in key else key
