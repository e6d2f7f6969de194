"""The pieces of the JSON Schema: numbers, arrays, geometries, and the envelope around them all.

An operation's fragment is :func:`envelope` with the fields of its own; :mod:`.schema` joins them.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """A pointer to one of :data:`DEFINITIONS`."""
    return {"$ref": f"#/$defs/{name}"}


def closed(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def envelope(
    operation: str,
    geometry: Schema,
    required: dict[str, Schema],
    optional: dict[str, Schema] | None = None,
    *,
    some_of: tuple[str, ...] = (),
) -> Schema:
    """The whole output of one operation: the common fields, then its own.

    some_of: at least one of these fields is there (``--only`` may leave the others out).
    """
    common: dict[str, Schema] = {
        "convgrad": {"const": 1},
        "operation": {"const": operation},
        "geometry": geometry,
        "shapes": reference("shapes"),
        "dtypes": reference("dtypes"),
        "notes": {"type": "array", "items": {"type": "string"}},
    }
    fragment = closed(common | required, optional)
    if some_of:
        fragment["anyOf"] = [{"required": [name]} for name in some_of]
    return fragment


def words(*allowed: str) -> Schema:
    """One of these strings."""
    return {"enum": list(allowed)}


def described(schema: Schema, text: str) -> Schema:
    """The schema with a description."""
    return {"description": text, **schema}


def _per_dimension(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": 3}


_POSITIVE: Final[Schema] = {"type": "integer", "minimum": 1}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_BOTH_SIDES: Final[Schema] = {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2}
_LAYOUT: Final = {"layout": words("nchw", "nhwc")}
_AXES: Final[dict[str, Schema]] = {
    "dims": {"enum": [1, 2, 3]},
    "kernel": _per_dimension(_POSITIVE),
    "stride": _per_dimension(_POSITIVE),
    "padding": described(_per_dimension(_BOTH_SIDES), "(before, after) per dimension"),
    "dilation": _per_dimension(_POSITIVE),
}

DEFINITIONS: Final[dict[str, Schema]] = {
    "number": described(
        {"anyOf": [{"type": "number"}, words("NaN", "Infinity", "-Infinity")]},
        "A number, exact; strings stand for what JSON has no number for.",
    ),
    "array": described(
        {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [reference("number"), reference("array")]},
        },
        "Nested lists in the rank, layout and shape of the array concerned.",
    ),
    "vector": {"type": "array", "minItems": 1, "items": reference("number")},
    "indices": {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [{"type": "integer"}, reference("indices")]},
    },
    "index": {"type": "array", "items": _COUNT},
    "conv_geometry": closed(
        _AXES | {"groups": _POSITIVE},
        _LAYOUT | {"filter_layout": words("oihw", "hwio", "iohw")},
    ),
    "pool_geometry": closed(
        _AXES | {"ceil_mode": {"type": "boolean"}},
        _LAYOUT
        | {
            "ties": words("first", "last", "split"),
            "count_include_pad": {"type": "boolean"},
        },
    ),
    "shapes": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _COUNT},
    },
    "dtypes": described(
        {"type": "object", "additionalProperties": {"type": "string"}},
        "NumPy's name of each array's dtype.",
    ),
    "verify": closed(
        {
            "passed": {"type": "boolean"},
            "directions": _POSITIVE,
            "largest_deviation": reference("number"),
            "gradients": {
                "type": "object",
                "additionalProperties": closed(
                    {
                        "passed": {"type": "boolean"},
                        "deviation": reference("number"),
                        "allowed": reference("number"),
                    }
                ),
            },
        }
    ),
    "term": closed(
        {
            "upstream": {"anyOf": [reference("index"), {"type": "null"}]},
            "operand": {"enum": ["X", "W", "b", None]},
            "coefficient": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        },
        {
            "index": {"anyOf": [reference("index"), {"type": "null"}]},
            "filter": {"anyOf": [reference("index"), {"type": "null"}]},
            "value": reference("number"),
            "factors": {"type": "array", "items": reference("factor")},
        },
    ),
    "factor": closed(
        {
            "operand": {"type": "string"},
            "index": reference("index"),
            "function": {"type": ["string", "null"]},
        }
    ),
    "equation": closed(
        {
            "target": {"type": "string"},
            "index": reference("index"),
            "label": {"type": "string"},
            "terms": {"type": "array", "items": reference("term")},
            "expression": {"type": "string"},
            "latex": {"type": "string"},
        },
        {"value": reference("number")},
    ),
    "derivation": {
        "type": "object",
        "properties": {
            "notation": {"type": "string"},
            "equations": {"type": "array", "items": reference("equation")},
        },
        "required": ["notation", "equations"],
    },
    "convolution": described(
        {
            "type": "object",
            "properties": {"dX": {"type": "object"}, "dW": {"type": "object"}},
            "additionalProperties": False,
        },
        "Each gradient as a convolution: the dilated, padded and flipped arrays, and the crop.",
    ),
}
"""What the fragments refer to by name."""
