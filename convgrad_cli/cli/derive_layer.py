"""The layer of ``convgrad derive`` and ``convgrad check equations``: arrays, or shapes alone.

``given_layer`` gathers, ``planned_layer`` plans it and makes the tracers, whatever the layer;
``traced_layer`` is that for a layer of one tracer.
"""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.derive_options import DeriveArrays, DeriveLayer

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.geometry import Plan

SINGLE = ("conv", "maxpool", "avgpool", "transposed")
"""Layers of one tracer that has a plan of its own."""
LAYERS = (*SINGLE, "activation", "upsample", "separable")

_CONV = {"groups", "output_size", "filter_layout", "filter", "bias", "filter_shape"}
_POOL = {"window", "ceil_mode", "filter_shape", "filter"}  # a filter has an error of its own
_OWN = {
    "conv": {*_CONV, "activation", "slope", "transforms"},
    "maxpool": {*_POOL, "ties"},
    "avgpool": {*_POOL, "count_include_pad"},
    "transposed": {*_CONV, "output_padding"},
    "activation": {"activation", "slope"},
    "upsample": {"upsample", "stride"},
    "separable": {
        "output_size", "bias", "depthwise", "pointwise", "depthwise_shape", "pointwise_shape",
    },
}  # fmt: skip
"""Options that not every layer has."""
_SLIDES = {"stride", "padding", "dilation"}
_SPECIAL = _SLIDES.union(*_OWN.values())
_NO_SLIDING = ("activation", "upsample")


def given_layer(
    arrays: DeriveArrays,
    layer: DeriveLayer,
    bundle: str | None,
    *,
    transposed: bool = False,
    stages: bool = False,
) -> tuple[Given, str]:
    """The arrays and options, and the kind of layer: asked for, or what was given, or a conv.

    transposed: whether that may be a transposed convolution too. stages: whether it may be any
    layer, also one of several tracers (:func:`planned_layer`).
    """
    from convgrad_cli.derivation.api import LAYERS as PLAIN
    from convgrad_cli.errors import UsageError

    kinds = LAYERS if stages else SINGLE if transposed else PLAIN
    if layer.layer is not None and layer.layer not in kinds:
        raise UsageError(f"Unknown layer {layer.layer!r}.", expected=f"one of {', '.join(kinds)}")
    asked = layer.layer or _kind_of_options(arrays, layer)
    if asked is not None and asked not in kinds:
        raise UsageError("This layer cannot be taken here.", expected=f"one of {', '.join(kinds)}")
    if not stages and layer.activation is not None:
        raise UsageError(
            "An activation's equations cannot be taken here.",
            found=f"--activation {layer.activation}",
            remedy="leave --activation out: the convolution's own equations go without it",
        )
    given = _gathered(arrays, layer, bundle, asked)
    kind = asked or _kind_of(given, kinds)
    _only_its_options(arrays, layer, kind)
    return given, kind


def _kind_of_options(arrays: DeriveArrays, layer: DeriveLayer) -> str | None:
    """The layer that an option of its own tells, where ``--layer`` does not."""
    if layer.upsample is not None:
        return "upsample"
    separable = (arrays.depthwise, arrays.pointwise, arrays.depthwise_shape, arrays.pointwise_shape)
    return "separable" if any(text is not None for text in separable) else None


def _gathered(
    arrays: DeriveArrays, layer: DeriveLayer, bundle: str | None, kind: str | None
) -> Given:
    """The arrays and options, as the layer's own command reads them; shapes alone need none."""
    from convgrad_cli.cli.inputs import Given, gather, typed_options

    extra = _extra(layer)
    sources: Any = SimpleNamespace(bundle=bundle, **vars(arrays))
    geometry: Any = layer
    own = {key: getattr(arrays, key) for key in ("dims", "layout", "filter_layout")}
    if _shapes_alone(arrays, bundle):
        chosen = typed_options(geometry) | own | extra
        return Given(options={key: value for key, value in chosen.items() if value is not None})
    typed = {key: value for key, value in extra.items() if value is not None}
    if kind == "activation":
        return _activation(arrays, bundle, typed)
    if kind == "separable":
        return _separable(arrays, bundle, typed_options(geometry) | own)
    if kind in ("transposed", "upsample"):
        from convgrad_cli.cli.transposed import gathered

        return gathered(sources, geometry, typed, filtered=kind == "transposed")
    if kind not in (None, "conv") or layer.window is not None:
        del sources.filter  # a pool: its examples are to be chosen from
    return gather(sources, geometry, extra)


def _extra(layer: DeriveLayer) -> dict[str, Any]:
    """The options beside the sliding window's, under a bundle's names."""
    from convgrad_cli.cli import words

    text = layer.output_padding
    padding = None if text is None else words.whole_numbers(text, "--output-padding")
    return {
        "ties": layer.ties,
        "count_include_pad": layer.count_include_pad,
        "output_padding": padding,
        "activation": layer.activation,
        "slope": layer.slope,
        "transforms": layer.transforms,
        "mode": layer.upsample,
    }


def _shapes_alone(arrays: DeriveArrays, bundle: str | None) -> bool:
    named = ("input", "filter", "bias", "upstream", "sample", "depthwise", "pointwise")
    shapes = ("input_shape", "filter_shape", "depthwise_shape", "pointwise_shape")
    given = any(getattr(arrays, name) is not None for name in named) or bundle is not None
    return not given and any(getattr(arrays, name) is not None for name in shapes)


def _activation(arrays: DeriveArrays, bundle: str | None, typed: dict[str, Any]) -> Given:
    """z as X, dA as the upstream gradient."""
    from convgrad_cli.cli.activation import gathered
    from convgrad_cli.errors import UsageError

    if arrays.sample is not None:
        raise UsageError(
            "No built-in example is an activation.",
            found=f"--sample {arrays.sample}",
            remedy="give z with --input, or nothing for a built-in z",
        )
    given = gathered(bundle, arrays.input, arrays.upstream, arrays.allow_nonfinite)
    own = {key: getattr(arrays, key) for key in ("dims", "layout")} | typed
    given.options |= {key: value for key, value in own.items() if value is not None}
    return given


def _separable(arrays: DeriveArrays, bundle: str | None, typed: dict[str, Any]) -> Given:
    from convgrad_cli.cli.separable import gathered
    from convgrad_cli.errors import UsageError

    if arrays.sample is not None or bundle is not None:
        raise UsageError(
            "A separable layer takes no bundle and has no sample.",
            expected="--input, --depthwise, --pointwise (and --bias, --upstream), or their shapes",
        )
    specs = {
        "X": arrays.input, "depthwise": arrays.depthwise, "pointwise": arrays.pointwise,
        "b": arrays.bias, "dY": arrays.upstream,
    }  # fmt: skip
    return gathered(specs, typed, allow_nonfinite=arrays.allow_nonfinite)


def _kind_of(given: Given, kinds: tuple[str, ...]) -> str:
    """What a bundle says it is; else a pool where there is a window; else a convolution."""
    named = (given.operation or "").partition("_")[0]
    if named in kinds:
        return named
    return "maxpool" if given.options.get("window") is not None else "conv"


def _only_its_options(arrays: DeriveArrays, layer: DeriveLayer, kind: str) -> None:
    """Raise UsageError for an option of another layer."""
    from convgrad_cli.errors import UsageError

    allowed = _OWN[kind] | (set() if kind in _NO_SLIDING else _SLIDES)
    for group in (arrays, layer):
        for each in fields(group):
            if each.name not in _SPECIAL - allowed or getattr(group, each.name) is None:
                continue
            flag = f"--{each.name.replace('_', '-')}"
            having = [name for name, own in _OWN.items() if each.name in own - _POOL]
            raise UsageError(
                f"The layer {kind} does not take {flag}.",
                found=flag,
                remedy=f"{flag} is for --layer {' or '.join(having)}" if having else None,
            )


def traced_layer(
    given: Given, kind: str, arrays: DeriveArrays, *, with_bias: bool
) -> tuple[Any, dict[str, Any]]:
    """The tracer of a layer of one stage, and the given numbers but dY's."""
    from convgrad_cli.cli.derive_kinds import planned_layer

    planned = planned_layer(given, kind, arrays, with_bias=with_bias)
    traced = planned.stages[0].traced
    return traced, given_values(traced, given)


def of_plan(plan: Plan, kind: str, given: Given, *, with_bias: bool) -> Any:
    """The tracer of a planned layer of that kind."""
    from convgrad_cli.derivation import trace_conv, trace_pool
    from convgrad_cli.geometry import ConvPlan, PoolPlan

    if isinstance(plan, ConvPlan):
        return trace_conv(plan, bias=with_bias or "b" in given)
    if kind == "transposed":
        from convgrad_cli.derivation.transposed import TracedTransposed

        return TracedTransposed(plan, with_bias or "b" in given)  # type: ignore[arg-type]
    assert isinstance(plan, PoolPlan)
    return trace_pool(
        kind,
        plan,
        given.get("X"),
        ties=given.options.get("ties") or "first",
        count_include_pad=bool(given.options.get("count_include_pad")),
    )


def given_values(traced: Any, given: Given) -> dict[str, Any]:
    """The given arrays that the layer's equations speak of."""
    found = {name: given[name] for name in ("X", "W", "b") if name in given}
    return canonical(traced, {name: found[name] for name in found if name in traced.frames})


def canonical(traced: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays with canonical axes; deferred, because it loads numpy."""
    from convgrad_cli.derivation.derivation import canonical as with_canonical_axes

    return with_canonical_axes(traced, arrays)


__all__ = [
    "DeriveArrays",
    "DeriveLayer",
    "canonical",
    "given_layer",
    "given_values",
    "of_plan",
    "traced_layer",
]
