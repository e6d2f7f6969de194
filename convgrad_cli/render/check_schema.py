"""The JSON Schema of the checks: fragments for :data:`convgrad_cli.render.schema.OPERATIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.render.schema_lectures import LECTURE_OPERATIONS
from convgrad_cli.render.schema_parts import closed, reference, words

if TYPE_CHECKING:
    from convgrad_cli.render.schema_parts import Schema

_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_ID: Final[Schema] = {"type": "string", "pattern": "^[XWBFPGTAURS][0-9]+$"}
_IDS: Final[Schema] = {"type": "array", "items": _ID}
_VERDICT: Final = words("right", "wrong")
_LAYER: Final = words(
    "conv", "maxpool", "avgpool", "transposed", "activation", "upsample", "separable"
)
_GEOMETRY: Final[Schema] = {
    "anyOf": [
        reference("conv_geometry"),
        reference("pool_geometry"),
        *(
            LECTURE_OPERATIONS[f"{layer}_forward"]["properties"]["geometry"]
            for layer in ("transposed", "activation", "upsample", "separable")
        ),
    ]
}
_GRADIENT_NAME: Final = words("dX", "dW", "db", "Y", "A", "dZ", "dDepthwise", "dPointwise")
_SETTINGS: Final[dict[str, Schema]] = {
    "activation": _TEXT,
    "slope": {"type": "number"},
    "mode": words("nearest", "zeros"),
    "transforms": _TEXTS,
}
"""What some layers have beside their geometry."""


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_DIAGNOSIS: Final = closed(
    {"mistakes": {**_IDS, "minItems": 1, "maxItems": 2}, "text": _TEXT, "fix": _TEXT}
)
_GRADIENT: Final = closed(
    {
        "verdict": _VERDICT,
        "rule": _TEXT,
        "shape": closed({"expected": reference("index"), "found": reference("index")}),
        "max_abs_error": _or_null(reference("number")),
        "max_rel_error": _or_null(reference("number")),
        "worst_index": _or_null(reference("index")),
        "worst_rel_index": _or_null(reference("index")),
        "expected": _or_null(reference("number")),
        "found": _or_null(reference("number")),
        "differing": _or_null(_COUNT),
        "total": _or_null(_COUNT),
        "nonfinite": _COUNT,
        "diagnosis": _list_of(_DIAGNOSIS),
        "where": _list_of(closed({"region": _TEXT, "text": _TEXT, "exactly": {"type": "boolean"}})),
    },
    {
        "tried": _TEXT,
        "not_shown": _IDS,
        "notes": _TEXTS,
        "equations": _list_of(
            closed({"element": _TEXT, "right": _TEXT, "mistaken": _TEXT, "mistakes": _IDS})
        ),
    },
)
_GRADIENTS: Final[Schema] = {
    "type": "object",
    "propertyNames": _GRADIENT_NAME,
    "additionalProperties": _GRADIENT,
}
_CASE: Final = closed(
    {
        "name": _TEXT,
        "verdict": words("right", "wrong", "failed", "not run"),
        "geometry": _GEOMETRY,
        "shapes": reference("shapes"),
        "gradients": {"type": "object", "additionalProperties": _VERDICT},
    },
    {"error": _TEXT},
)
_FAILURE: Final = closed(
    {
        "name": _TEXT,
        "geometry": _GEOMETRY,
        "shapes": reference("shapes"),
        "gradient": _or_null(_GRADIENT_NAME),
        "error": _or_null(_TEXT),
        "diagnosis": _list_of(_DIAGNOSIS),
        "gradients": _GRADIENTS,
    }
)
_ROW: Final = closed(
    {
        "id": _ID,
        "title": _TEXT,
        "gradient": _GRADIENT_NAME,
        "verdict": words("shown", "partly", "hidden", "impossible"),
        "reasons": _TEXTS,
        "readings": _TEXTS,
        "shown_by_suggestion": {"type": "boolean"},
    }
)

_PROBLEM: Final = closed(
    {
        "kind": words(
            "wrong_term",
            "missing_term",
            "extra_term",
            "doubled_term",
            "wrong_coefficient",
            "wrong_value",
            "unreadable",
        ),
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
        "found": _TEXT,
        "expected": _TEXT,
        "text": _TEXT,
    }
)
_EQUATION: Final = closed(
    {
        "line": {"type": "integer", "minimum": 1},
        "verdict": words("right", "wrong", "unreadable", "not_checked"),
        "problems": _list_of(_PROBLEM),
    },
    {
        "subject": _TEXT,
        "target": _TEXT,
        "index": reference("index"),
        "right": _TEXT,
        "notes": _TEXTS,
    },
)


def _envelope(operation: str, fields: dict[str, Schema]) -> Schema:
    common: dict[str, Schema] = {
        "convgrad": {"const": 1},
        "operation": {"const": operation},
        "verdict": _VERDICT,
        "layer": _LAYER,
        "notes": _TEXTS,
    }
    return closed(common | fields, _SETTINGS)


CHECKS: Final[dict[str, Schema]] = {
    "check_arrays": _envelope(
        "check_arrays",
        {"geometry": _GEOMETRY, "shapes": reference("shapes"), "gradients": _GRADIENTS},
    ),
    "check_equations": closed(
        {
            "convgrad": {"const": 1},
            "operation": {"const": "check_equations"},
            "verdict": words("right", "wrong", "not_checkable"),
            "layer": _TEXT,
            "notation": _TEXT,
            "equations": _list_of(_EQUATION),
            "coverage": {
                "type": "object",
                "additionalProperties": closed(
                    {"written": _COUNT, "right": _COUNT, "total": _COUNT}
                ),
            },
            "notes": _TEXTS,
        }
    ),
    "check_function": _envelope(
        "check_function",
        {
            "function": _TEXT,
            "signature": words("arrays", "cs231n", "dlai"),
            "passed": _COUNT,
            "failed": _COUNT,
            "not_run": _COUNT,
            "smallest_failure": _or_null(_FAILURE),
            "cases": _list_of(_CASE),
        },
    ),
    "check_power": _envelope(
        "check_power",
        {
            "geometry": _GEOMETRY,
            "shapes": reference("shapes"),
            "shown": _COUNT,
            "not_shown": _COUNT,
            "mistakes": _list_of(_ROW),
        },
    ),
}
"""The schema of each check's output."""
