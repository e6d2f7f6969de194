"""Padding and stride as the lecture sees them (lecture 12; L10 and L11): three plain steps.

    forward    pad X                ->  stride-1 convolution  ->  keep every s-th element
    backward   upsample dY by s     ->  stride-1 backward     ->  delete the padding's gradient

A second road to Y, dX and dW: every intermediate map is kept, so that it can be shown, and the
results must equal the strided convolution's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.geometry.strided import stride_one_geometry
from convgrad_cli.layers import conv, upsample

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array


@dataclass(frozen=True)
class StridedForward:
    """The maps of the forward road, canonical."""

    padded: Array
    stride_one: Array
    Y: Array


@dataclass(frozen=True)
class StridedBackward:
    """The maps of the backward road, canonical: ``padded_gradient`` still has the padding's."""

    upsampled: Array
    padded_gradient: Array
    dX: Array
    dW: Array


def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry) -> StridedForward:
    """Pad, convolve with stride 1, keep every s-th element (downsample)."""
    padded = np.pad(X, [(0, 0), (0, 0), *geometry.padding])
    stride_one = conv.forward(padded, W, b, stride_one_geometry(geometry))
    Y = upsample.grad_zeros(stride_one, geometry.stride, geometry.output_size)
    return StridedForward(padded, stride_one, Y)


def backward(X: Array, W: Array, dY: Array, geometry: ConvGeometry) -> StridedBackward:
    """Upsample dY to the stride-1 map, go back with stride 1, delete the padding's gradient.

    The upsampled map is as long as the stride-1 map, so leftover rows are zeros at its end.
    """
    plain = stride_one_geometry(geometry)
    upsampled = upsample.zeros(dY, geometry.stride, plain.output_size)
    padded_gradient = conv.grad_input(W, upsampled, plain)
    middle = (slice(axis.before, axis.before + axis.size) for axis in geometry.axes)
    inside: Any = (..., *middle)
    padded = np.pad(X, [(0, 0), (0, 0), *geometry.padding])
    return StridedBackward(
        upsampled,
        padded_gradient,
        padded_gradient[inside],
        conv.grad_weight(padded, upsampled, plain),
    )
