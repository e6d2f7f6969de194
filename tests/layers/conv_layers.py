"""Random convolutional layers for the tests of the convolution, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from convgrad_cli.errors import ConvgradError
from convgrad_cli.geometry import plan_conv

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry


class Layer(NamedTuple):
    """A layer's geometry, its options as plain keywords, and whole-numbered values."""

    geometry: ConvGeometry
    options: dict[str, Any]
    X: np.ndarray
    W: np.ndarray
    b: np.ndarray
    dY: np.ndarray

    def floats(self, dtype: type = np.float64) -> tuple[np.ndarray, ...]:
        """X, W, b, dY in a floating dtype that holds them."""
        return tuple(array.astype(dtype) for array in (self.X, self.W, self.b, self.dY))


@st.composite
def layers(draw: st.DrawFn, dims: int | None = None) -> Layer:
    """1-D to 3-D; groups, depthwise; uneven padding, dilation, leftover rows, axes unlike."""
    dims = draw(st.integers(1, 3)) if dims is None else dims
    largest = {1: 12, 2: 7, 3: 4}[dims]

    def each(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims))

    groups, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    x_shape = (draw(st.integers(1, 3)), groups * channels, *each(1, largest))
    w_shape = (groups * filters, channels, *each(1, 3))
    options = {
        "stride": each(1, 3),
        "padding": list(zip(each(0, 3), each(0, 3), strict=True)),
        "dilation": each(1, 2),
        "groups": groups,
    }
    try:
        geometry = plan_conv(x_shape, w_shape, dims=dims, **options).geometry
    except ConvgradError:  # the filter reaches beyond the padded input: pad it
        options["padding"] = [(4, 4)] * dims
        geometry = plan_conv(x_shape, w_shape, dims=dims, **options).geometry
    return layer_of(geometry, options, draw(st.integers(0, 2**16)))


def layer_of(geometry: ConvGeometry, options: dict[str, Any], seed: int = 0) -> Layer:
    """The layer with values from -9 to 9."""
    chance = np.random.default_rng(seed)
    shapes = (
        geometry.input_shape,
        geometry.filter_shape,
        (geometry.out_channels,),
        geometry.output_shape,
    )
    return Layer(geometry, options, *(chance.integers(-9, 10, shape) for shape in shapes))


def layer(x_shape: tuple[int, ...], w_shape: tuple[int, ...], **options: Any) -> Layer:
    """A given layer, canonical shapes."""
    geometry = plan_conv(x_shape, w_shape, dims=len(x_shape) - 2, **options).geometry
    return layer_of(geometry, options)
