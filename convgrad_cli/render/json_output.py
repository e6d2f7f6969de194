"""JSON: the contract's envelope, whole and exact, as fast as the JSON library writes numbers.

A float reads back as the same float (float32: once it is float32 again, which ``dtypes`` says).
JSON has no NaN and no infinities; they are the strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from convgrad_cli.render.numbers import (
    AT_ONCE,
    exact_json,
    json_parts,
    nonfinite_word,
    orjson_takes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.render.result import Array, Result

VERSION: Final = 1
"""The envelope's version, its first field."""

_READABLE: Final = 1 << 16  # bytes up to which the text is broken into lines for a person
_LINE: Final = 88
_PERHAPS_HUGE: Final = re.compile(rb"[0-9]{19}")
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def json_output(result: Result) -> bytes:
    """The result as JSON text with a final newline."""
    return json_text(envelope(result))


def json_text(document: dict[str, Any]) -> bytes:
    """A document of plain values and arrays; small ones in lines, large ones compact."""
    if any(isinstance(value, _Large) for value in document.values()):
        return b"".join(_parts(document))
    text = orjson.dumps(document, option=_OPTIONS)
    if len(text) <= _READABLE:
        return _in_lines(_parsed(text), "").encode() + b"\n"
    return text


def envelope(result: Result) -> dict[str, Any]:
    """The fields in the contract's order; arrays are what orjson takes."""
    document: dict[str, Any] = {
        "convgrad": VERSION,
        "operation": result.operation,
        "geometry": json_value(result.geometry),
        "shapes": json_value(result.shapes),
        "dtypes": {name: str(array.dtype) for name, array in result.arrays.items()},
        **{name: _member(array) for name, array in result.arrays.items()},
    }
    for name in ("updated", "verify"):
        if (value := getattr(result, name)) is not None:
            document[name] = json_value(value)
    document |= {name: json_value(value) for name, value in result.extra.items()}
    if result.derivation is not None:
        document["derivation"] = result.derivation.as_json()
    document["notes"] = list(result.notes)
    return document


def json_value(value: object) -> Any:
    """``value`` (plain, numpy, or nested) as orjson takes it, non-finite numbers as words."""
    if isinstance(value, np.ndarray):
        value = np.asarray(value)  # orjson knows no subclasses: a mapped file is one
        at_once = value.size <= AT_ONCE and orjson_takes(value)
        return value if at_once else orjson.Fragment(exact_json(value))
    if isinstance(value, np.generic):
        return json_value(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return nonfinite_word(value)
    if isinstance(value, dict):
        return {str(key): json_value(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(entry) for entry in value]
    return value


class _Large:
    """An array that one call of orjson would be at for long. No dataclass: orjson writes those."""

    def __init__(self, array: Array) -> None:
        self.array = array


def _member(array: Array) -> Any:
    """An array as a field of the envelope."""
    array = np.asarray(array)  # as in json_value
    large = array.size > AT_ONCE and orjson_takes(array)
    return _Large(array) if large else json_value(array)


def _parts(document: dict[str, Any]) -> Iterator[bytes | memoryview]:
    """The text of a document with large arrays, to be joined once."""
    mark = b"{"
    for key, value in document.items():
        yield b"%b%b:" % (mark, orjson.dumps(key))
        if isinstance(value, _Large):
            yield from json_parts(value.array)
        else:
            yield orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
        mark = b","
    yield b"}\n"


def _parsed(text: bytes) -> Any:
    """The text read again; an integer beyond 64 bits, in a derivation's products, stays exact."""
    if _PERHAPS_HUGE.search(text):
        import json

        return json.loads(text)
    return orjson.loads(text)


def _in_lines(value: Any, indent: str, before: int = 0) -> str:
    """Objects and lists on one line where they fit, else one entry a line.

    before: columns taken on the line by the key; the outermost object is always broken.
    """
    if not value or not isinstance(value, (dict, list)):
        return _scalar(value)
    line = _on_one_line(value)
    if indent and len(indent) + before + len(line) < _LINE:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        keys = [f"{orjson.dumps(key).decode()}: " for key in value]
        pairs = zip(keys, value.values(), strict=True)
        entries = [key + _in_lines(entry, deeper, len(key)) for key, entry in pairs]
        opening, closing = "{}"
    else:
        entries = [_in_lines(entry, deeper) for entry in value]
        opening, closing = "[]"
        if not isinstance(value[0], (dict, list)):
            return line  # a row of numbers stays a row
    body = (",\n" + deeper).join(entries)
    return f"{opening}\n{deeper}{body}\n{indent}{closing}"


def _on_one_line(value: Any) -> str:
    if isinstance(value, dict):
        entries = (
            f"{orjson.dumps(key).decode()}: {_on_one_line(entry)}" for key, entry in value.items()
        )
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_on_one_line, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    huge = isinstance(value, int) and not -(2**63) <= value < 2**64
    return str(value) if huge else orjson.dumps(value).decode()
