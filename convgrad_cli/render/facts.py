"""One line about a layer, for the head of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.geometry.wording import one_or_each, sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.render.layer import Layer


def facts(layer: Layer) -> str:
    """Sizes, stride, padding and the rest of the layer's geometry."""
    return " · ".join(_FACTS[layer.kind](layer))


def _conv(layer: Layer) -> Iterator[str]:
    g = layer.plan.geometry
    yield f"input {_times(g.input_size)}"
    yield f"filter {_times(g.kernel)}"
    yield from _channels(g)
    yield from _sliding(g)
    yield f"output {_times(g.output_size)}"
    if layer.activation is not None:
        yield f"then {layer.activation.name}"


def _pool(layer: Layer) -> Iterator[str]:
    g = layer.plan.geometry
    yield f"input {_times(g.input_size)}"
    yield f"window {_times(g.kernel)}"
    yield from _planes(g)
    yield from _sliding(g)
    yield f"output {_times(g.output_size)}"


def _transposed(layer: Layer) -> Iterator[str]:
    g = layer.plan.geometry
    yield f"input {_times(g.input_shape[2:])}"
    yield f"filter {_times(g.kernel)}"
    yield from _channels(g)
    yield from _sliding(g.convolution, g.padding)
    if any(g.output_padding):
        yield f"output padding {one_or_each(g.output_padding)}"
    yield f"output {_times(g.output_shape[2:])}"


def _upsample(layer: Layer) -> Iterator[str]:
    g = layer.plan.geometry
    yield f"input {_times(g.input_size)}"
    yield "nearest neighbour" if g.mode == "nearest" else "zeros inserted"
    yield from _planes(g)
    yield f"scale {one_or_each(g.scale)}"
    yield f"output {_times(g.output_size)}"


def _activation(layer: Layer) -> Iterator[str]:
    g = layer.plan.geometry
    yield f"{_times(g.output_shape[2:])} elements"
    yield from _planes(g)
    if layer.activation is not None:
        yield f"σ(z) = {layer.activation.formula}"
        yield f"σ′(z) = {layer.activation.derivative}"


_FACTS: dict[str, Callable[[Layer], Iterator[str]]] = {
    "conv": _conv,
    "maxpool": _pool,
    "avgpool": _pool,
    "transposed": _transposed,
    "upsample": _upsample,
    "activation": _activation,
}


def _channels(g: Any) -> Iterator[str]:
    channels = (g.in_channels, g.out_channels)
    if channels != (1, 1):
        yield f"{channels[0]} → {channels[1]} channels"
    if g.groups > 1:
        yield f"{g.groups} groups"
    if g.batch > 1:
        yield f"{g.batch} samples"


def _planes(g: Any) -> Iterator[str]:
    if g.input_shape[1] > 1:
        yield f"{g.input_shape[1]} channels"
    if g.batch > 1:
        yield f"{g.batch} samples"


def _sliding(g: Any, padding: Any = None) -> Iterator[str]:
    yield f"stride {one_or_each(g.stride)}"
    around = g.padding if padding is None else padding
    if any(map(any, around)):
        yield f"padding {sides(around)}"
    if set(g.dilation) != {1}:
        yield f"dilation {one_or_each(g.dilation)}"
    if getattr(g, "ceil_mode", False):
        yield "ceil mode"


def _times(sizes: Any) -> str:
    return "×".join(map(str, sizes))
