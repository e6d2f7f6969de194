"""The JSON Schema of the lectures' further layers: activation, transposed, separable, chain, views.

``CONV_FIELDS`` is what a convolution's output has more with an activation, transforms or views.
"""

from __future__ import annotations

from typing import Any, Final

from convgrad_cli.render.schema_parts import (
    DEFINITIONS,
    Schema,
    closed,
    described,
    envelope,
    reference,
    words,
)

_ARRAY: Final = reference("array")
_DERIVED: Final = {"derivation": reference("derivation")}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SIZES: Final[Schema] = {"type": "array", "items": _COUNT}
_TEXT: Final[Schema] = {"type": "string"}
_OBJECT: Final[Schema] = {"type": "object"}
_VIEWS: Final = {
    "views": described(
        {"type": "object", "additionalProperties": _OBJECT},
        "Each further way of seeing the layer, by name: its arrays, and whether it agrees.",
    )
}
_ACTIVATIONS: Final = words(
    "relu", "leaky-relu", "sigmoid", "tanh", "softplus", "gelu", "silu", "identity"
)
_TRANSFORMS: Final = words(
    "identity", "rot90", "rot180", "rot270", "fliplr", "flipud", "transpose", "scale2"
)


def _without(name: str, *keys: str, **more: Schema) -> Schema:
    """A geometry of :data:`DEFINITIONS` with fields taken out and others added, as required."""
    fragment: dict[str, Any] = DEFINITIONS[name]
    properties = {k: v for k, v in fragment["properties"].items() if k not in keys}
    required = [k for k in fragment["required"] if k not in keys]
    optional = {k: v for k, v in properties.items() if k not in required}
    return closed({k: properties[k] for k in required} | more, optional)


_CONV: Final = DEFINITIONS["conv_geometry"]["properties"]

CONV_GEOMETRY: Final[Schema] = {
    "anyOf": [reference("conv_geometry"), _without("conv_geometry", "padding")]
}
"""A convolution's geometry; under transforms each map has its own padding, in ``maps``."""

CONV_FIELDS: Final[dict[str, Schema]] = {
    "A": described(_ARRAY, "σ(Y), with --activation."),
    "dY": described(_ARRAY, "dA ∘ σ′(Y), with --activation."),
    "activation": _ACTIVATIONS,
    "slope": {"type": "number"},
    "activation_derivation": reference("derivation"),
    "transforms": {"type": "array", "items": _TRANSFORMS, "minItems": 1},
    "padding": described({}, "As it was given, with --transforms."),
    "maps": {
        "type": "array",
        "items": closed({"transform": _TRANSFORMS, "kernel": _SIZES, "padding": _CONV["padding"]}),
    },
    **_VIEWS,
}
"""What a convolution's output may have besides."""

TRANSPOSED_GEOMETRY: Final = _without("conv_geometry", output_padding=_SIZES)
_UPSAMPLED: Final = closed({"dims": _CONV["dims"], "stride": _CONV["stride"]})
_SEPARABLE: Final = _without("conv_geometry", in_channels=_COUNT, out_channels=_COUNT)
_FOUR: Final = closed(
    dict.fromkeys(("conventional", "depthwise", "pointwise", "separable"), _COUNT)
)
_COUNTS: Final = {"counts": closed({"parameters": _FOUR, "multiply_adds": _FOUR})}
_STEPS: Final = dict.fromkeys(
    ("depthwise_derivation", "pointwise_derivation"), reference("derivation")
)
_SEPARABLE_FIELDS: Final = {**_VIEWS, **_STEPS}

STAGES: Final = ("activation_derivation", *_STEPS)
"""Where a layer of several stages has the derivations of each."""

LECTURE_GEOMETRIES: Final = (TRANSPOSED_GEOMETRY, _UPSAMPLED, _SEPARABLE, closed({}))
"""The geometries of the further layers that can be derived."""

_MODE: Final = {"mode": words("nearest", "zeros")}
DERIVE_FIELDS: Final[dict[str, Schema]] = {
    **{key: schema for key, schema in CONV_FIELDS.items() if key not in ("A", "dY")},
    **_STEPS,
    **_MODE,
    **_COUNTS,
}
"""What the output of ``derive`` may have besides."""

_LAYER: Final = closed(
    {
        "position": _COUNT,
        "type": _TEXT,
        "geometry": _OBJECT,
        "shapes": reference("shapes"),
        "Y": _ARRAY,
        "dY": _ARRAY,
        "dX": _ARRAY,
    },
    {
        "dW": _ARRAY,
        "db": _ARRAY,
        "ddepthwise": _ARRAY,
        "dpointwise": _ARRAY,
        "updated": {"type": "object", "additionalProperties": _ARRAY},
        **_DERIVED,
        **_STEPS,
    },
)

LECTURE_OPERATIONS: Final[dict[str, Schema]] = {
    "activation_forward": envelope(
        "activation_forward",
        closed({}),
        {"Y": _ARRAY, "A": _ARRAY, "activation": _ACTIVATIONS},
        _DERIVED | _VIEWS | {"slope": {"type": "number"}},
    ),
    "activation_backward": envelope(
        "activation_backward",
        closed({}),
        {
            **dict.fromkeys(("Y", "A", "derivative", "dA", "dY"), _ARRAY),
            "activation": _ACTIVATIONS,
        },
        _DERIVED | _VIEWS | {"slope": {"type": "number"}},
    ),
    "transposed_forward": envelope(
        "transposed_forward", TRANSPOSED_GEOMETRY, {"Y": _ARRAY}, _DERIVED | _VIEWS
    ),
    "transposed_backward": envelope(
        "transposed_backward",
        TRANSPOSED_GEOMETRY,
        {**dict.fromkeys(("Y", "dX", "dW"), _ARRAY), "db": reference("vector")},
        {**_DERIVED, **_VIEWS, "updated": closed({}, {"W": _ARRAY, "b": _ARRAY})},
    ),
    "upsample_forward": envelope("upsample_forward", _UPSAMPLED, {"Y": _ARRAY, **_MODE}),
    "upsample_backward": envelope(
        "upsample_backward",
        _UPSAMPLED,
        {"Y": _ARRAY, "dX": _ARRAY, **_MODE},
    ),
    "separable_forward": envelope(
        "separable_forward",
        _SEPARABLE,
        {"V": _ARRAY, "Y": _ARRAY, **_COUNTS},
        _SEPARABLE_FIELDS,
    ),
    "separable_backward": envelope(
        "separable_backward",
        _SEPARABLE,
        {
            **dict.fromkeys(("V", "Y", "dX", "dDepthwise", "dPointwise", "dV"), _ARRAY),
            "db": reference("vector"),
            **_COUNTS,
        },
        {
            **_SEPARABLE_FIELDS,
            "updated": closed({}, dict.fromkeys(("depthwise", "pointwise", "b"), _ARRAY)),
        },
    ),
    "chain": closed(
        {
            "convgrad": {"const": 1},
            "operation": {"const": "chain"},
            "layers": {"type": "array", "items": _LAYER, "minItems": 1},
            "Y": _ARRAY,
            "dX": _ARRAY,
            "notes": {"type": "array", "items": _TEXT},
        },
        {
            "loss": closed(
                {
                    "type": words("sum", "mse", "cross-entropy", "neg-log"),
                    "value": reference("number"),
                    "gradient": _ARRAY,
                }
            )
        },
    ),
}
"""The schema of each further operation's output."""
