"""Layers for the tests of pages and figures: the built-in examples and harder geometries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.geometry import ConvPlan, PoolPlan, plan_conv, plan_pool
from convgrad_cli.geometry.pointwise import plan_pointwise
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.geometry.upsample import plan_upsample
from convgrad_cli.layers import activation, conv, pool, transposed, upsample
from convgrad_cli.lectures import EXAMPLES
from convgrad_cli.render.layer import Layer

RANDOM = np.random.default_rng(20)


def conv_layer(
    X: Any, W: Any, dY: Any = None, b: Any = None, notation: str = "slides", **o: Any
) -> Layer:
    """A convolution; dY random where not given."""
    X, W = np.array(X), np.array(W)
    plan = plan_conv(X.shape, W.shape, **o)
    upstream = RANDOM.integers(-5, 6, plan.output_shape) if dY is None else np.array(dY)
    arrays = {"X": X, "W": W, "dY": upstream.reshape(plan.output_shape)}
    if b is not None:
        arrays["b"] = np.array(b)
    return Layer("conv", plan, arrays, NOTATIONS[notation])


def pool_layer(
    X: Any,
    dY: Any = None,
    kind: str = "maxpool",
    ties: str = "first",
    notation: str = "slides",
    include: bool = False,
    **o: Any,
) -> Layer:
    """A pool; dY random where not given."""
    X = np.array(X)
    plan = plan_pool(X.shape, **o)
    upstream = RANDOM.integers(-5, 6, plan.output_shape) if dY is None else np.array(dY)
    return Layer(kind, plan, {"X": X, "dY": upstream}, NOTATIONS[notation], ties, include)


def results(layer: Layer) -> dict[str, Any]:
    """What the numeric layers give for it, in the user's own rank."""
    a, plan = layer.arrays, layer.plan
    if layer.activation is not None:
        return _activated_results(layer)
    if layer.kind == "transposed":
        found = transposed.planned_backward(plan, a["X"], a["W"], a["dY"])
        Y = transposed.planned_forward(plan, a["X"], a["W"], a.get("b"))
        return {"Y": Y, **found._asdict()}
    if layer.kind == "upsample":
        g = plan.geometry
        if g.mode == "nearest":
            return {
                "Y": upsample.nearest(a["X"], g.scale),
                "dX": upsample.grad_nearest(a["dY"], g.scale),
            }
        back = upsample.grad_zeros(a["dY"], g.scale, g.input_size)
        return {"Y": upsample.zeros(a["X"], g.scale), "dX": back}
    if isinstance(plan, ConvPlan):
        gradients = conv.planned_backward(plan, a["X"], a["W"], a["dY"])
        return {"Y": conv.planned_forward(plan, a["X"], a["W"], a.get("b")), **gradients._asdict()}
    assert isinstance(plan, PoolPlan)
    if layer.kind == "maxpool":
        Y, switches = pool.planned_max(plan, a["X"], layer.ties)
        dX = pool.planned_max_backward(plan, a["X"], a["dY"], layer.ties)
        return {"Y": Y, "switches": switches, "dX": dX}
    include = layer.count_include_pad
    return {
        "Y": pool.planned_avg(plan, a["X"], count_include_pad=include),
        "dX": pool.planned_avg_backward(plan, a["dY"], count_include_pad=include),
    }


def _activated_results(layer: Layer) -> dict[str, Any]:
    """z (of a convolution), A, σ′(z), dz, and what follows from dz."""
    a, chosen = layer.arrays, layer.activation
    conved = layer.kind == "conv"
    Y = conv.planned_forward(layer.plan, a["X"], a["W"], a.get("b")) if conved else a["Y"]
    dY = activation.grad_input(chosen, Y, a["dA"])
    found = {
        "A": activation.forward(chosen, Y),
        "derivative": activation.derivative(chosen, Y),
        "dY": dY,
    }
    if not conved:
        return found
    return {"Y": Y, **found, **conv.planned_backward(layer.plan, a["X"], a["W"], dY)._asdict()}


def transposed_layer(X: Any, W: Any, b: Any = None, notation: str = "slides", **o: Any) -> Layer:
    """A transposed convolution; dY random."""
    X, W = np.array(X), np.array(W)
    plan = plan_transposed(X.shape, W.shape, **o)
    arrays = {"X": X, "W": W, "dY": RANDOM.integers(-5, 6, plan.output_shape)}
    if b is not None:
        arrays["b"] = np.array(b)
    return Layer("transposed", plan, arrays, NOTATIONS[notation])


def upsample_layer(X: Any, scale: Any, mode: str) -> Layer:
    """Upsampling; dY random."""
    X = np.array(X)
    plan = plan_upsample(X.shape, scale, mode)
    dY = RANDOM.integers(-5, 6, plan.output_shape)
    return Layer("upsample", plan, {"X": X, "dY": dY}, NOTATIONS["slides"])


def activation_layer(
    Y: Any, name: str, slope: float | None = None, notation: str = "slides"
) -> Layer:
    """An activation alone; dA random."""
    Y = np.array(Y)
    arrays = {"Y": Y, "dA": RANDOM.integers(-5, 6, Y.shape)}
    chosen = activation.activation(name, slope=slope)
    plan = plan_pointwise(Y.shape)
    return Layer("activation", plan, arrays, NOTATIONS[notation], activation=chosen)


def activated_layer(layer: Layer, name: str) -> Layer:
    """A convolution with an activation behind it: what was dY is dA."""
    arrays = {"dA" if key == "dY" else key: array for key, array in layer.arrays.items()}
    return replace(layer, arrays=arrays, activation=activation.activation(name))


def with_results(layer: Layer) -> Layer:
    """The layer as a figure takes it."""
    arrays = {**layer.arrays, **results(layer)}
    return Layer(
        layer.kind, layer.plan, arrays, layer.notation, layer.ties, layer.count_include_pad
    )


def example(name: str) -> Layer:
    """A built-in example."""
    e = EXAMPLES[name]
    a = e.arrays
    if e.layer == "conv":
        return conv_layer(a["X"], a["W"], a["dY"], a.get("b"), e.notation, **e.options)
    return pool_layer(a["X"], a["dY"], notation=e.notation, **e.options)


def integers(*shape: int, low: int = -9, high: int = 10) -> Any:
    """Small whole numbers."""
    return RANDOM.integers(low, high, shape)


LAYERS: dict[str, Layer] = {name: example(name) for name in EXAMPLES} | {
    "leftover": conv_layer(
        integers(8, 9), integers(3, 2), padding=[(1, 1), (1, 0)], dilation=2, stride=3
    ),
    "groups": conv_layer(integers(2, 4, 5, 5), integers(6, 2, 3, 3), groups=2, padding=1, stride=2),
    "line": conv_layer(integers(2, 9), integers(3, 2, 3), stride=2, dims=1),
    "space": conv_layer(integers(3, 4, 5), integers(2, 2, 3), dims=3),
    "channels": conv_layer(integers(12, 3, 3), integers(11, 12, 2, 2)),
    "floats": conv_layer(
        RANDOM.normal(size=(5, 6)), RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(3, 4))
    ),
    "last": conv_layer(
        integers(1, 4, 5, 2), integers(2, 2, 2, 3), layout="nhwc", filter_order="hwio"
    ),
    "ties": pool_layer(
        [[1, 5, 5, 2], [5, 0, 3, 3], [2, 2, 3, 1], [0, 4, 4, 4]], window=2, stride=1, ties="split"
    ),
    "ties-last": pool_layer([[5, 5, 1, 1], [2, 5, 1, 0]], window=2, stride=1, ties="last"),
    "pool-leftover": pool_layer(integers(2, 5, 7), window=(2, 3)),
    "average": pool_layer(integers(5, 5), kind="avgpool", window=3, stride=2, padding=1),
    "average-pad": pool_layer(
        integers(4, 6), kind="avgpool", window=3, stride=2, padding=1, include=True
    ),
}

FURTHER: dict[str, Layer] = {
    "transposed": transposed_layer(integers(3, 4), integers(3, 2), b=[7], stride=2, padding=1),
    "transposed-groups": transposed_layer(
        integers(2, 4, 2, 3), integers(4, 3, 2, 3), groups=2, stride=(2, 3), dilation=(2, 1),
        output_padding=(1, 2), padding=[(1, 0), (0, 1)],
    ),
    "transposed-surplus": transposed_layer(
        integers(2, 3), integers(2, 2), b=[2], dilation=3, output_padding=2
    ),
    "transposed-line": transposed_layer(integers(2, 4), integers(2, 3, 3), stride=2, dims=1),
    "upsample": upsample_layer(integers(2, 2, 3), (2, 3), "nearest"),
    "upsample-zeros": upsample_layer(integers(3, 4), 2, "zeros"),
    "gelu": activation_layer(RANDOM.normal(size=(3, 4)) * 3, "gelu"),
    "leaky": activation_layer(integers(2, 3, 3, 2), "leaky-relu", 0.25, "diba"),
    "conv-relu": activated_layer(
        conv_layer(integers(5, 4), integers(3, 2), b=[1], stride=2, padding=1), "relu"
    ),
    "conv-silu": activated_layer(
        conv_layer(integers(2, 2, 4, 4), integers(2, 2, 2, 2), b=[1, -2], notation="diba"), "silu"
    ),
}  # fmt: skip
"""The lectures' further layers."""
