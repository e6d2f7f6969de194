"""The lectures' further layers for the tests of figures, with everything a figure shows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convgrad_cli.cli.picture_kinds import KINDS
from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.geometry.pointwise import plan_pointwise
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.geometry.upsample import plan_upsample
from convgrad_cli.layers import activation as activations
from convgrad_cli.layers import conv
from convgrad_cli.render.layer import Layer
from tests.render.page_layers import LAYERS, conv_layer, integers, with_results


def completed(layer: Layer) -> Layer:
    """The layer with its results."""
    return replace(layer, arrays={**layer.arrays, **KINDS[layer.kind].results(layer)})


def transposed(*shapes: tuple[int, ...], bias: int = 0, **options: Any) -> Layer:
    """A transposed convolution of these shapes of X and W."""
    X, W = (integers(*shape) for shape in shapes)
    plan = plan_transposed(X.shape, W.shape, **options)
    arrays = {"X": X, "W": W, "dY": integers(*plan.output_shape)}
    if bias:
        arrays["b"] = integers(bias)
    return completed(Layer("transposed", plan, arrays, NOTATIONS["slides"]))


def upsampled(shape: tuple[int, ...], scale: Any = 2, mode: str = "nearest", **o: Any) -> Layer:
    """Upsampling of an X of this shape."""
    plan = plan_upsample(shape, scale, mode, **o)
    arrays = {"X": integers(*shape), "dY": integers(*plan.output_shape)}
    return completed(Layer("upsample", plan, arrays, NOTATIONS["recitation"]))


def through(name: str, Z: Any, dA: Any) -> dict[str, Any]:
    """What an activation adds to a layer's arrays."""
    chosen = activations.activation(name)
    return {
        "Y": Z,
        "A": activations.forward(chosen, Z),
        "derivative": activations.derivative(chosen, Z),
        "dA": dA,
        "dY": activations.grad_input(chosen, Z, dA),
    }


def activated(name: str, Z: Any, dA: Any) -> Layer:
    """An activation alone."""
    Z, dA = np.array(Z), np.array(dA)
    arrays = through(name, Z, dA)
    chosen = activations.activation(name)
    plan = plan_pointwise(Z.shape)
    return Layer("activation", plan, arrays, NOTATIONS["slides"], activation=chosen)


def activated_conv(name: str) -> Layer:
    """A convolution with an activation after it, several filters."""
    plain = conv_layer(integers(2, 4, 4), integers(3, 2, 2, 2), b=integers(3))
    a, plan = plain.arrays, plain.plan
    Y = conv.planned_forward(plan, a["X"], a["W"], a["b"])  # type: ignore[arg-type]
    arrays = {**a, **through(name, Y, a["dY"])}
    return completed(replace(plain, arrays=arrays, activation=activations.activation(name)))


FURTHER = {
    "transposed": transposed((3, 2), (3, 3), stride=2),
    "transposed-cropped": transposed((2, 3, 4), (2, 3, 2, 3), bias=3, stride=(3, 2), padding=1),
    "transposed-groups": transposed(
        (2, 4, 2, 3), (4, 2, 2, 2), groups=2, dilation=2, stride=2, output_padding=1
    ),
    "transposed-line": transposed((2, 4), (2, 1, 3), dims=1, stride=2, output_padding=1),
    "transposed-surplus": transposed((2, 2), (2, 2), dilation=3, output_padding=2),
    "nearest": upsampled((2, 3), (2, 3)),
    "nearest-last": upsampled((1, 2, 3, 2), layout="nhwc"),
    "zeros": upsampled((2, 2, 3), 3, "zeros"),
    "zeros-line": upsampled((4,), 2, "zeros"),
    "gelu": activated("gelu", [[1.5, -2.0, 0.0], [0.5, 3.0, -0.25]], [[1, 2, 3], [4, -5, 6]]),
    "relu-planes": activated("relu", integers(2, 3, 3, 2), integers(2, 3, 3, 2)),
    "sigmoid-line": activated("sigmoid", integers(12) * 60, integers(12)),
    "conv-tanh": activated_conv("tanh"),
}
EVERY = {name: with_results(layer) for name, layer in LAYERS.items()} | FURTHER
