"""What was given to ``convgrad derive`` and ``convgrad check equations``: arrays, or shapes alone,
and the kind of layer they are."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.derive_planned import FLAGS

if TYPE_CHECKING:
    from convgrad_cli.cli.derive_options import DeriveArrays, DeriveLayer
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.tracing import Kind


def given_layer(arrays: DeriveArrays, layer: DeriveLayer, bundle: str | None) -> tuple[Given, str]:
    """The arrays and options, and the kind of layer: asked for, or what was given, or a conv."""
    from convgrad_cli.tracing import KINDS, kind_named

    asked = layer.layer or _kind_of_options(arrays, layer)
    if asked is not None:
        kind_named(asked)
    given = _gathered(arrays, layer, bundle, asked)
    kind = asked or _kind_of(given)
    if kind == "activation" and "Y" in given:
        given.arrays["X"] = given.arrays.pop("Y")  # a bundle's z
    _only_its_options(arrays, layer, KINDS[kind])
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

    given = gathered(
        bundle, arrays.input, arrays.upstream, arrays.allow_nonfinite, sample=arrays.sample
    )
    own = {key: getattr(arrays, key) for key in ("dims", "layout")} | typed
    given.options |= {key: value for key, value in own.items() if value is not None}
    return given


def _separable(arrays: DeriveArrays, bundle: str | None, typed: dict[str, Any]) -> Given:
    from convgrad_cli.cli.separable import gathered
    from convgrad_cli.errors import UsageError

    if arrays.sample is not None:
        raise UsageError(
            "No built-in example is a separable layer.",
            expected="--input, --depthwise, --pointwise (and --bias, --upstream), their shapes, or "
            "a bundle",
            found=f"--sample {arrays.sample}",
        )
    specs = {
        "X": arrays.input, "depthwise": arrays.depthwise, "pointwise": arrays.pointwise,
        "b": arrays.bias, "dY": arrays.upstream,
    }  # fmt: skip
    return gathered(specs, typed, bundle=bundle, allow_nonfinite=arrays.allow_nonfinite)


def _kind_of(given: Given) -> str:
    """What a bundle says it is; else a pool where there is a window; else a convolution."""
    from convgrad_cli.tracing import LAYERS

    named = (given.operation or "").partition("_")[0]
    if named in LAYERS:
        return named
    if "depthwise" in given or "pointwise" in given:
        return "separable"
    return "maxpool" if given.options.get("window") is not None else "conv"


def _only_its_options(arrays: DeriveArrays, layer: DeriveLayer, kind: Kind) -> None:
    """Raise UsageError for an option of another layer."""
    from convgrad_cli.errors import UsageError
    from convgrad_cli.tracing import KINDS

    owned = {each.name: _fields_of(each) for each in KINDS.values()}
    others = set().union(*owned.values()) - owned[kind.name]
    for group in (arrays, layer):
        for each in fields(group):
            if each.name not in others or getattr(group, each.name) is None:
                continue
            flag = f"--{each.name.replace('_', '-')}"
            having = [name for name, own in owned.items() if each.name in own]
            raise UsageError(
                f"The layer {kind.name} does not take {flag}.",
                found=flag,
                remedy=f"{flag} is for --layer {' or '.join(having)}",
            )


def _fields_of(kind: Kind) -> set[str]:
    """The options of a kind of layer, as the command's groups call them."""
    flags = [flag for name in kind.operands for flag in FLAGS[name]]
    found = {flag[2:].replace("-", "_") for flag in flags} | kind.options
    if kind.biased:
        found |= {"bias"}
    return found - {"mode"} | ({"upsample"} if "mode" in found else set())
