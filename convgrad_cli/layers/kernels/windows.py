"""Small layers: every window laid out as one column (im2col), in a handful of array operations.

    Y = W @ cols(X_padded)            dW = sum over n of dY @ cols(X_padded)^T

    dX = rot180(W)^T @ cols(dilate(dY) padded)        the full convolution of the lectures, with

the padding d(k-1) - p before and d(k-1) - p + r after (negative: cropped), so that leftover rows
and uneven padding come right. On a 5x5 image the time goes into calls, not into arithmetic; here
the number of calls is constant, and any dtype will do.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels.index import at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry import Axis, ConvGeometry
    from convgrad_cli.layers.numbers import Array

# Largest number of elements laid out in columns; above, the sweeps are faster. Of short columns
# there may be more: their products are small beside the start of the other threads.
SMALL = 2**16
SMALL_AND_SHORT = 2**19
SHORT = 256


@lru_cache(maxsize=256)
def small(geometry: ConvGeometry) -> bool:
    """Whether this file is the fastest for the layer."""
    positions = max(
        geometry.in_channels * prod(geometry.output_size),
        geometry.out_channels * prod(geometry.input_size),
    )
    taps = prod(geometry.kernel)
    column = max(geometry.channels_per_group, geometry.filters_per_group) * taps
    return geometry.batch * positions * taps <= (SMALL_AND_SHORT if column <= SHORT else SMALL)


def forward(X: Array, W: Array, geometry: ConvGeometry) -> Array:
    """Y without its bias, canonical."""
    columns = _input_columns(X, geometry)
    filters = W.reshape(geometry.groups, -1, columns.shape[2])
    Y: Array = np.matmul(filters, columns)
    return Y.reshape(geometry.output_shape)


def grad_weight(X: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dW, canonical."""
    columns = _input_columns(X, geometry)
    by_group = dY.reshape(geometry.batch, geometry.groups, geometry.filters_per_group, -1)
    sums: Array = np.matmul(by_group, columns.swapaxes(2, 3))
    total: Array = sums[0] if len(sums) == 1 else sums.sum(axis=0)
    return total.reshape(geometry.filter_shape)


def grad_input(W: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dX, canonical."""
    axes, dims = geometry.axes, geometry.dims
    shape = [axis.size + axis.extent - 1 for axis in axes]
    full = np.zeros((*dY.shape[:2], *shape), dY.dtype)
    targets, sources = zip(*map(_dilated, axes), strict=True)
    full[at(..., *targets)] = dY[at(..., *sources)]
    columns = _columns(full, geometry, [1] * dims, geometry.input_size)
    turned = W[at(..., *(slice(None, None, -1),) * dims)]
    filters = turned.reshape(geometry.groups, geometry.filters_per_group, *W.shape[1:])
    filters = filters.swapaxes(1, 2).reshape(geometry.groups, geometry.channels_per_group, -1)
    dX: Array = np.matmul(filters, columns)
    return dX.reshape(geometry.input_shape)


def _input_columns(X: Array, geometry: ConvGeometry) -> Array:
    axes = geometry.axes
    if any(axis.before or axis.after for axis in axes):
        padded = np.zeros((*X.shape[:2], *(axis.padded for axis in axes)), X.dtype)
        inner = (slice(axis.before, axis.before + axis.size) for axis in axes)
        padded[at(..., *inner)] = X
        X = padded
    elif not X.flags.c_contiguous:
        X = X.copy()
    return _columns(X, geometry, geometry.stride, geometry.output_size)


def _columns(
    array: Array, geometry: ConvGeometry, steps: Sequence[int], windows: Sequence[int]
) -> Array:
    """The windows of a contiguous array: (N, groups, channels * kernel, windows)."""
    images, channels = array.shape[:2]
    spatial = array.strides[2:]
    view: Array = np.ndarray(
        (images, channels, *geometry.kernel, *windows),
        array.dtype,
        array,
        strides=(
            *array.strides[:2],
            *(stride * axis.dilation for stride, axis in zip(spatial, geometry.axes, strict=True)),
            *(stride * step for stride, step in zip(spatial, steps, strict=True)),
        ),
    )
    rows = channels // geometry.groups * prod(geometry.kernel)
    return view.reshape(images, geometry.groups, rows, prod(windows))


def _dilated(axis: Axis) -> tuple[slice, slice]:
    """Where dY stands in its dilated and padded form, and which windows of it are not cropped."""
    before = axis.full_padding.before
    first = max(0, -(before // axis.stride))
    length = axis.size + axis.extent - 1
    stop = max(first, min(axis.output, (length - 1 - before) // axis.stride + 1))
    start = before + first * axis.stride
    return slice(start, start + (stop - first) * axis.stride, axis.stride), slice(first, stop)
