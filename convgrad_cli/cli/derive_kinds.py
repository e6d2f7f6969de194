"""How each kind of layer is planned for its derivation: one entry of ``_KINDS`` a kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.derive_layer import canonical, given_values, of_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.cli.derive_options import DeriveArrays
    from convgrad_cli.cli.inputs import Given

    Shape = tuple[int, ...]


@dataclass
class Planned:
    """A layer that is ready to be derived.

    stages: its tracers with their numbers. shapes and extra: further fields of the envelope.
    """

    stages: list[Any]
    plan: Any
    geometry: dict[str, Any]
    shapes: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)
    views: list[Any] = field(default_factory=list)


def planned_layer(given: Given, kind: str, arrays: DeriveArrays, *, with_bias: bool) -> Planned:
    """The layer of that kind: planned, traced, its numbers worked out as far as they are known.

    Raises a ConvgradError for shapes and options that describe no layer.
    """
    x_name = "Y" if kind == "activation" else "X"
    x_shape = shape_of(given, x_name, arrays.input_shape, "--input-shape")
    return _KINDS[kind](given, kind, arrays, x_shape, with_bias)


def shape_of(given: Given, name: str, text: str | None, option: str) -> Shape:
    """An array's shape, from the array or from the option that gives it alone."""
    from convgrad_cli.cli import words
    from convgrad_cli.errors import ShapeError, UsageError

    array = given.get(name)
    if text is None and array is not None:
        return tuple(array.shape)
    if text is None:
        raise UsageError(
            f"{'z' if name == 'Y' else name} is missing.",
            expected=f"{_FLAGS[name]}, {option} alone, or a bundle",
            array=name,
        )
    shape = words.whole_numbers(text, option)
    if min(shape) < 1:
        raise UsageError(f"{option} takes sizes of at least 1.", found=text)
    if array is not None and tuple(array.shape) != shape:
        raise ShapeError(
            f"{name} and {option} contradict each other.",
            expected=f"{shape}   from {option}",
            found=str(tuple(array.shape)),
            array=name,
            source=given.arrays[name].source,
        )
    return shape


_FLAGS = {
    "X": "--input", "Y": "--input", "W": "--filter", "depthwise": "--depthwise",
    "pointwise": "--pointwise",
}  # fmt: skip


def _conv(given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool) -> Any:
    """A convolution, perhaps with an activation after it or its filter under transforms."""
    from convgrad_cli.cli.lecture import described
    from convgrad_cli.cli.lecture_layer import Asked, asked_of, planned, traced
    from convgrad_cli.derivation.stages import Stage

    keys = ("activation", "slope", "transforms")
    lecture: Any = SimpleNamespace(view=None, **{key: given.options.get(key) for key in keys})
    asked = asked_of(lecture, given) or Asked()
    w_shape = shape_of(given, "W", arrays.filter_shape, "--filter-shape")
    layer = planned(asked, given, (x_shape, w_shape))
    tracer = traced(layer, bias=with_bias)
    values = given_values(tracer, given)
    geometry, extra = described(layer)
    found = Planned([], layer.plan, geometry, _shapes(tracer), extra)
    if asked.activation is not None:
        found.stages = _activated(layer, tracer, values)
        if {"X", "W"} <= values.keys():
            found.views.append(_activation_numbers(layer))
        return found
    if "dY" in given or {"X", "W"} <= values.keys():
        from convgrad_cli.cli.lecture_layer import upstream_of

        values |= canonical(tracer, {"dY": upstream_of(layer, "dY")})
    found.stages = [Stage("derivation", tracer, values)]
    return found


def _activated(layer: Any, tracer: Any, values: dict[str, Any]) -> list[Any]:
    """The convolution and σ: with X and W known, so are Y and (dA given, or 1) dY."""
    from convgrad_cli.cli.lecture_layer import forward, traced_activation, upstream_of
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.layers import activation

    sigma = traced_activation(layer)
    own: dict[str, Any] = {}
    if {"dA", "dY"} & layer.given.arrays.keys() or {"X", "W"} <= values.keys():
        layer.found["dA"] = upstream_of(layer, "dA")
        own["dA"] = layer.found["dA"]
    if {"X", "W"} <= values.keys():
        chosen = layer.asked.activation
        Y = layer.found["Y"] = own["Y"] = forward(layer)
        if note := activation.kink_note(chosen, Y):
            layer.given.notes.append(note)
        dY = activation.grad_input(chosen, Y, own["dA"])
        values = values | canonical(tracer, {"dY": dY})
    conv = {name: name for name in ("Y", "dW", "dX", "db")} | {"Z": "Y"}
    letters = {name: name for name in ("X", "W", "b", "Y")}
    return [
        Stage("derivation", tracer, values, conv, letters),
        Stage(
            "activation_derivation",
            sigma,
            canonical(sigma, own),
            {"A": "A", "dY": "dY", "dZ": "dY"},
            {"Y": "Y", "A": "A"},
            {"A": "A"},
        ),
    ]


def _activation_numbers(layer: Any) -> Any:
    """z, σ(z), σ′(z), dA and dz as matrices."""
    from convgrad_cli.cli.activation import activation_view
    from convgrad_cli.layers import activation

    Y, chosen = layer.found["Y"], layer.asked.activation
    return activation_view(chosen, Y, activation.forward(chosen, Y), layer.found["dA"])


def _transposed(
    given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool
) -> Any:
    from convgrad_cli.cli.transposed import plan_of

    w_shape = shape_of(given, "W", arrays.filter_shape, "--filter-shape")
    plan = plan_of(given, x_shape, w_shape)
    return _single(given, plan, of_plan(plan, kind, given, with_bias=with_bias))


def _pool(given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool) -> Any:
    from convgrad_cli.cli.inputs import pool_keywords
    from convgrad_cli.geometry import plan_pool

    _no_filter(arrays)
    plan = given.locating(lambda: plan_pool(x_shape, **pool_keywords(given.options)))
    return _single(given, plan, of_plan(plan, kind, given, with_bias=with_bias))


def _upsample(
    given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool
) -> Any:
    from convgrad_cli.derivation.dense import TracedUpsample
    from convgrad_cli.geometry.upsample import plan_upsample

    options = given.options
    mode, scale = str(options.get("mode") or "nearest"), options.get("stride") or 2
    layout = str(options.get("layout") or "nchw")
    plan = given.locating(
        lambda: plan_upsample(x_shape, scale, mode, dims=options.get("dims"), layout=layout)
    )
    geometry = plan.geometry
    tracer = TracedUpsample(geometry.input_shape, geometry.scale, mode == "nearest", plan.X)
    found = _single(given, plan, tracer)
    found.geometry = {"dims": geometry.dims, "stride": list(geometry.scale)}
    found.extra["mode"] = mode
    return found


def _activation(
    given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool
) -> Any:
    from convgrad_cli.cli.activation import activation_view, chosen_activation, trace
    from convgrad_cli.derivation.model import Frame
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.errors import UsageError
    from convgrad_cli.geometry.pointwise import plan_pointwise
    from convgrad_cli.layers import activation

    options = given.options
    if options.get("activation") is None:
        raise UsageError("Which activation is it?", expected="--activation NAME, such as relu")
    chosen = chosen_activation(str(options["activation"]), options.get("slope"))
    layout = str(options.get("layout") or "nchw")
    plan = given.locating(lambda: plan_pointwise(x_shape, dims=options.get("dims"), layout=layout))
    geometry = plan.geometry
    tracer = trace(chosen, Frame(geometry.output_shape, "nc" + "s" * geometry.dims, plan.Y))
    values = {name: given[name] for name in ("Y", "dA") if name in given}
    stage = Stage("derivation", tracer, canonical(tracer, values))
    extra = {"activation": chosen.name}
    found = Planned([stage], plan, {}, {"input": plan.output_shape}, extra)
    if "Y" in given:
        Z = given["Y"]
        if note := activation.kink_note(chosen, Z):
            given.notes.append(note)
        A = activation.forward(chosen, Z)
        found.views.append(activation_view(chosen, Z, A, given.get("dA")))
    return found


def _separable(
    given: Given, kind: str, arrays: DeriveArrays, x_shape: Shape, with_bias: bool
) -> Any:
    from convgrad_cli.cli.separable import plan_of, stages_of

    shapes = {
        name: shape_of(given, name, getattr(arrays, f"{name}_shape"), f"--{name}-shape")
        for name in ("depthwise", "pointwise")
    }
    plan = plan_of(given, x_shape, *shapes.values())
    if "dY" in given:
        given.locating(lambda: plan.pointwise.check_upstream(given["dY"].shape))
    elif {"X", "depthwise", "pointwise"} <= given.arrays.keys():
        from convgrad_cli.arrays import Loaded
        from convgrad_cli.cli.inputs import upstream

        given.arrays["dY"] = Loaded(upstream(given, plan.pointwise), "ones")
    stages = stages_of(plan, given, ranks=[len(s) for s in shapes.values()], bias=with_bias)
    sizes = {"input": x_shape, **shapes, "upstream": plan.output_shape}
    return Planned(stages, plan, plan.as_dict(), sizes, {"counts": plan.counts.as_dict()})


def _single(given: Given, plan: Any, tracer: Any) -> Planned:
    """A layer of one tracer; dY is 1 everywhere where X and W are known and it is not given."""
    from convgrad_cli.cli.inputs import upstream
    from convgrad_cli.derivation.stages import Stage

    values = given_values(tracer, given)
    if "dY" in given or {"X", "W"} <= values.keys():
        values |= canonical(tracer, {"dY": upstream(given, plan)})
    geometry = plan.geometry.as_dict() if hasattr(plan.geometry, "as_dict") else {}
    return Planned([Stage("derivation", tracer, values)], plan, geometry, _shapes(tracer))


def _shapes(tracer: Any) -> dict[str, Any]:
    """The given arrays' shapes under the envelope's names."""
    names = {"X": "input", "W": "filter", "b": "bias", "Y": "upstream"}
    return {
        long: tracer.frames[name].given_shape
        for name, long in names.items()
        if name in tracer.frames and (name != "b" or getattr(tracer, "bias", False))
    }


def _no_filter(arrays: DeriveArrays) -> None:
    from convgrad_cli.errors import UsageError

    if arrays.filter_shape is not None or arrays.filter is not None:
        raise UsageError(
            "A pool has no filter.",
            expected="--window, and X or (for an average pool) --input-shape",
            remedy="drop --filter and --filter-shape, or --layer",
        )


_KINDS: dict[str, Callable[..., Planned]] = {
    "conv": _conv,
    "maxpool": _pool,
    "avgpool": _pool,
    "transposed": _transposed,
    "activation": _activation,
    "upsample": _upsample,
    "separable": _separable,
}
