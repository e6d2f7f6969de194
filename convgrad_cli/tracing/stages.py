"""The stages of each kind of layer, in forward order, with their numbers where arrays give them.

A layer of one step is one stage, called ``derivation``. Of several steps each has its own, and what
passes between them comes from the numeric layers (loaded only then):

    conv, then σ           Y from X, W, b              dY = dA ∘ σ′(Y)
    depthwise, pointwise   V from X and the filters    dV from dY and the filters
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation import TracedConv, trace_pool
from convgrad_cli.derivation.dense import TracedUpsample
from convgrad_cli.derivation.derivation import canonical
from convgrad_cli.derivation.model import Frame
from convgrad_cli.derivation.separable import trace_separable
from convgrad_cli.derivation.stages import Stage
from convgrad_cli.derivation.transforms import TracedTransforms
from convgrad_cli.derivation.transposed import TracedTransposed
from convgrad_cli.geometry.transforms import TransformedPlan
from convgrad_cli.layers import activation as activations
from convgrad_cli.tracing.activation import activation_of, traced_activation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.derivation.activation import TracedActivation
    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.geometry.separable import SeparablePlan
    from convgrad_cli.layers.activation import Activation
    from convgrad_cli.tracing.kinds import Arrays
    from convgrad_cli.tracing.layer import PlannedLayer


def conv(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """A convolution, perhaps with its filter under transforms, perhaps with σ after it."""
    tracer = traced_conv(layer.plan, bias=bias)
    chosen = activation_of(layer.options)
    if chosen is None:
        return [_alone(tracer, arrays)]
    return _activated(tracer, traced_activation(chosen, tracer.frames["Y"]), chosen, arrays)


def traced_conv(plan: Any, *, bias: bool = False) -> TracedConv | TracedTransforms:
    """The tracer of a planned convolution, or of a filter under its transforms."""
    kind = TracedTransforms if isinstance(plan, TransformedPlan) else TracedConv
    return kind(plan, bias)


def transposed(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """A transposed convolution."""
    return [_alone(TracedTransposed(layer.plan, bias), arrays)]


def pool(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """A max or average pool; a max pool needs X."""
    told = layer.options
    ties, counting = told.get("ties") or "first", bool(told.get("count_include_pad"))
    tracer = trace_pool(
        layer.kind.name, layer.plan, arrays.get("X"), ties=ties, count_include_pad=counting
    )
    return [_alone(tracer, arrays)]


def upsample(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """Upsampling, nearest or with zeros between."""
    shape = layer.plan.geometry
    nearest = shape.mode == "nearest"
    return [_alone(TracedUpsample(shape.input_shape, shape.scale, nearest, layer.plan.X), arrays)]


def activation(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """An activation alone: X is z, which its equations call Y."""
    chosen = activation_of(layer.options, needed=True)
    assert chosen is not None
    shape = layer.plan.geometry
    frame = Frame(shape.output_shape, "nc" + "s" * shape.dims, layer.plan.Y)
    own = {{"X": "Y"}.get(name, name): array for name, array in arrays.items()}
    return [_alone(traced_activation(chosen, frame), own)]


def separable(layer: PlannedLayer, arrays: Arrays, bias: bool) -> list[Stage]:
    """A depthwise separable layer."""
    ranks = [len(layer.shapes[name]) for name in ("depthwise", "pointwise")]
    return separable_stages(layer.plan, arrays, ranks=ranks, bias=bias)


def separable_stages(
    plan: SeparablePlan, arrays: Arrays, *, ranks: Sequence[int], bias: bool
) -> list[Stage]:
    """Both steps are convolutions, each with its own equations and letters.

    ranks: of the depthwise and the pointwise filter, as they were given.
    """
    deep, point = trace_separable(plan, ranks[0], ranks[1], bias=bias)
    deep_values, point_values = _between(plan, arrays)
    return [
        Stage(
            "depthwise_derivation",
            deep,
            canonical(deep, deep_values),
            {"V": "Y", "dDepthwise": "dW", "dD": "dW", "dX": "dX"},
            {"X": "X", "D": "W", "V": "Y"},
            {"X": "X", "D": "D", "V": "V"},
        ),
        Stage(
            "pointwise_derivation",
            point,
            canonical(point, point_values),
            {"Y": "Y", "dPointwise": "dW", "dP": "dW", "dV": "dX", "db": "db"},
            {"V": "X", "P": "W", "Y": "Y", "b": "b"},
            {"V": "V", "P": "P", "Y": "Y"},
        ),
    ]


def _alone(tracer: Traced, arrays: Arrays) -> Stage:
    """The one stage of a layer."""
    return Stage("derivation", tracer, _known(tracer, arrays))


def _known(tracer: Traced, arrays: Arrays) -> dict[str, Any]:
    """Those of the arrays that the equations speak of, with canonical axes."""
    names = (*tracer.frames, f"d{tracer.upstream}")
    return canonical(tracer, {name: arrays[name] for name in names if name in arrays})


def _activated(
    tracer: TracedConv | TracedTransforms,
    sigma: TracedActivation,
    chosen: Activation,
    arrays: Arrays,
) -> list[Stage]:
    """The convolution and σ: with X and W known, so is Y, and with dA also dY."""
    values, own = _known(tracer, arrays), _known(sigma, arrays)
    if tracer.needs("Y") <= values.keys():
        from convgrad_cli.layers import conv as convolutions
        from convgrad_cli.layers import transforms

        numeric: Any = transforms if isinstance(tracer, TracedTransforms) else convolutions
        Y = numeric.planned_forward(tracer.plan, arrays["X"], arrays["W"], arrays.get("b"))
        own |= canonical(sigma, {"Y": Y})
        if "dA" in arrays:
            dY = activations.grad_input(chosen, Y, arrays["dA"].reshape(Y.shape))
            values |= canonical(tracer, {"dY": dY})
    targets = {name: name for name in ("Y", "dW", "dX", "db")} | {"Z": "Y"}
    letters = {name: name for name in ("X", "W", "b", "Y")}
    return [
        Stage("derivation", tracer, values, targets, letters),
        Stage(
            "activation_derivation",
            sigma,
            own,
            {"A": "A", "dY": "dY", "dZ": "dY"},
            {"Y": "Y", "A": "A"},
            {"A": "A"},
        ),
    ]


def _between(plan: SeparablePlan, arrays: Arrays) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What is known in numbers of both steps: V and dV pass from one to the other."""
    from convgrad_cli.layers import conv as convolutions

    X, deep, point = (arrays.get(name) for name in ("X", "depthwise", "pointwise"))
    b, dY = arrays.get("b"), arrays.get("dY")
    first = {"X": X, "W": deep}
    second = {"W": point, "b": b, "dY": dY}
    if X is not None and deep is not None:
        weights = deep.reshape(plan.depthwise_shape)
        second["X"] = convolutions.planned_forward(plan.depthwise, X, weights)
    if point is not None and dY is not None:
        last = plan.pointwise
        weights = last.W.to_canonical(point.reshape(plan.pointwise_shape))
        above = last.Y.to_canonical(dY.reshape(plan.output_shape))
        dV = convolutions.grad_input(weights, above, last.geometry)
        first["dY"] = last.X.from_canonical(dV)
    return tuple(  # type: ignore[return-value]
        {name: array for name, array in each.items() if array is not None}
        for each in (first, second)
    )
