"""JSON in: arrays as nested lists, bundles as one object.

orjson parses; what it lets pass or smooths over is caught here: a key given twice (it keeps the
last), an integer beyond 64 bits (it rounds to a float), a boolean among numbers (numpy takes it
for 1). The common case, a large array of plain numbers, costs little more than the parsing: its
raggedness shows in the lengths of its rows, and only where the text could hold anything but
numbers are the types looked at one by one.
"""

from __future__ import annotations

import re
from typing import Final

from convgrad_cli.arrays.numeric import Array

_BOM: Final = b"\xef\xbb\xbf"
_NOT_NUMBERS: Final = (b'"', b"{", b"t", b"f", b"n")  # one of them starts every other JSON value
_SPACE: Final = b" \t\r\n"
_COLON: Final = re.compile(rb"[ \t\r\n]*:")
_BRACES: Final = re.compile(rb"[{}]")


class JsonArray:
    """A JSON text that is one array (or one number)."""

    def __init__(self, text: bytes, value: object) -> None:
        self._text = text
        self._value = value

    def read(self, name: str, *, allow_nonfinite: bool = False) -> Array:
        only_numbers = not any(mark in self._text for mark in _NOT_NUMBERS)
        return (
            _to_array(self._value, name, only_numbers, allow_nonfinite)
            if not (exact := self._needs_exact(name, only_numbers, allow_nonfinite))
            else exact
        )
