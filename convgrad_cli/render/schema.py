"""The JSON Schema (2020-12) of everything ``--json`` prints, put together from fragments.

:data:`OPERATIONS` is the one list of operations. A new one adds its fragment there, made with
:func:`convgrad_cli.render.schema_parts.envelope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.render.check_schema import CHECKS
from convgrad_cli.render.schema_lectures import (
    CONV_FIELDS,
    CONV_GEOMETRY,
    DERIVE_FIELDS,
    LECTURE_GEOMETRIES,
    LECTURE_OPERATIONS,
    STAGES,
)
from convgrad_cli.render.schema_parts import DEFINITIONS, closed, envelope, reference, words

if TYPE_CHECKING:
    from convgrad_cli.render.schema_parts import Schema

_ARRAY: Final = reference("array")
_POOL: Final = reference("pool_geometry")
_DERIVED: Final = {"derivation": reference("derivation")}
_CHECKED: Final = {**_DERIVED, "verify": reference("verify")}
_SWITCHES: Final = {"switches": reference("indices")}

OPERATIONS: Final[dict[str, Schema]] = {
    "conv_forward": envelope(
        "conv_forward",
        CONV_GEOMETRY,
        {"Y": _ARRAY, "X": _ARRAY, "W": _ARRAY},
        {"b": _ARRAY, **_DERIVED, **CONV_FIELDS},
    ),
    "conv_backward": envelope(
        "conv_backward",
        CONV_GEOMETRY,
        {},
        {
            **CONV_FIELDS,
            "dX": _ARRAY,
            "dW": _ARRAY,
            "db": reference("vector"),
            "updated": closed({}, {"W": _ARRAY, "b": _ARRAY}),
            **_CHECKED,
        },
        some_of=("A", "dY", "dX", "dW", "db"),
    ),
    "maxpool_forward": envelope(
        "maxpool_forward",
        _POOL,
        {},
        {"Y": _ARRAY, **_SWITCHES, **_DERIVED},
        some_of=("Y", "switches"),
    ),
    "maxpool_backward": envelope(
        "maxpool_backward",
        _POOL,
        {},
        {"Y": _ARRAY, **_SWITCHES, "dX": _ARRAY, **_CHECKED},
        some_of=("Y", "switches", "dX"),
    ),
    "avgpool_forward": envelope("avgpool_forward", _POOL, {"Y": _ARRAY}, _DERIVED),
    "avgpool_backward": envelope(
        "avgpool_backward",
        _POOL,
        {},
        {"Y": _ARRAY, "dX": _ARRAY, **_CHECKED},
        some_of=("Y", "dX"),
    ),
    "derive": envelope(
        "derive",
        {"anyOf": [CONV_GEOMETRY, _POOL, *LECTURE_GEOMETRIES]},
        {},
        {**_DERIVED, **DERIVE_FIELDS, "convolution": reference("convolution")},
        some_of=("derivation", *STAGES),
    ),
}
"""The schema of each operation's output."""

_TEXT: Final = {"type": "string"}
_EXAMPLE: Final = closed(
    {
        **dict.fromkeys(("name", "title", "source", "notation"), _TEXT),
        "layer": words("conv", "pool"),
        "options": {"type": "object"},
        "arrays": {"type": "object", "additionalProperties": _ARRAY, "required": ["X"]},
    }
)
_CHAIN: Final = closed(
    {
        **dict.fromkeys(("name", "title"), _TEXT),
        "layer": words("chain"),
        "chain": {"type": "object", "required": ["input", "layers"]},
    }
)
SAMPLES: Final[Schema] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "if": {"properties": {"layer": words("chain")}, "required": ["layer"]},
        "then": _CHAIN,
        "else": _EXAMPLE,
    },
}
"""What ``samples --json`` lists."""


def schema() -> Schema:
    """The schema of any output: an object whose ``operation`` says which fragment it follows, or
    the list of the built-in examples."""
    every = OPERATIONS | LECTURE_OPERATIONS | CHECKS
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Output of convgrad --json",
        "type": ["object", "array"],
        "if": {"type": "array"},
        "then": SAMPLES,
        "else": {
            "required": ["convgrad", "operation"],
            "properties": {"operation": {"enum": list(every)}},
            "allOf": [_where(operation, fragment) for operation, fragment in every.items()],
        },
        "$defs": DEFINITIONS,
    }


def _where(operation: str, fragment: Schema) -> Schema:
    """``fragment``, for outputs of this operation only."""
    chosen = {"properties": {"operation": {"const": operation}}, "required": ["operation"]}
    return {"if": chosen, "then": fragment}
