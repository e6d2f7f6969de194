"""The definition, one filter position at a time: any dtype, any geometry, padding never touched.

Fix the filter position p. The windows whose place p lies inside the input (not in its padding)
form a box of outputs, and the input positions they meet form a strided box of X. Between the two
boxes the convolution is a plain matrix product over channels:

    Y [n, :, box]   +=  W[:, :, p]          @  X [n, :, strided box]
    dX[n, :, sbox]  +=  W[:, :, p]^T        @  dY[n, :, box]
    dW[:, :, p]      =  sum over n of  dY[n, :, box] @ X[n, :, strided box]^T

Since padding makes no product at all, an infinite weight beside a padded zero makes no NaN: the
sum has exactly the terms that the derivation lists.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.geometry import Axis, ConvGeometry
    from convgrad_cli.layers.numbers import Array

# An index of NumPy: an ellipsis, then integers or slices.
Index: TypeAlias = "tuple[Any, ...]"


class Boxes(NamedTuple):
    """Indices into the last axes: filter position ``place`` joins ``out`` with ``input``."""

    place: Index
    out: Index
    input: Index


def forward(X: Array, W: Array, geometry: ConvGeometry) -> Array:
    """Y without its bias: X (N, C, *in), W (K, C // groups, *kernel) -> (N, K, *out)."""
    X, W = _grouped(X, geometry.groups), _filters(W, geometry)
    Y = np.zeros(geometry.output_shape, X.dtype)
    view = _grouped(Y, geometry.groups)
    for boxes in _boxes(geometry):
        rows, spatial = _rows(X[boxes.input], geometry.dims)
        view[boxes.out] += (W[boxes.place] @ rows).reshape(*view.shape[:3], *spatial)
    return Y


def grad_input(W: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dX: W (K, C // groups, *kernel), dY (N, K, *out) -> (N, C, *in)."""
    W, dY = _filters(W, geometry), _grouped(dY, geometry.groups)
    dX = np.zeros(geometry.input_shape, dY.dtype)
    view = _grouped(dX, geometry.groups)
    for boxes in _boxes(geometry):
        rows, spatial = _rows(dY[boxes.out], geometry.dims)
        back = W[boxes.place].swapaxes(-1, -2)
        view[boxes.input] += (back @ rows).reshape(*view.shape[:3], *spatial)
    return dX


def grad_weight(X: Array, dY: Array, geometry: ConvGeometry) -> Array:
    """dW: X (N, C, *in), dY (N, K, *out) -> (K, C // groups, *kernel)."""
    X, dY = _grouped(X, geometry.groups), _grouped(dY, geometry.groups)
    dW = np.zeros(geometry.filter_shape, dY.dtype)
    view = _filters(dW, geometry)
    for boxes in _boxes(geometry):
        x_rows, _ = _rows(X[boxes.input], geometry.dims)
        dy_rows, _ = _rows(dY[boxes.out], geometry.dims)
        view[boxes.place] = (dy_rows @ x_rows.swapaxes(-1, -2)).sum(axis=0)
    return dW


def _grouped(array: Array, groups: int) -> Array:
    """(N, channels, *space) as (N, groups, channels // groups, *space)."""
    return array.reshape(array.shape[0], groups, -1, *array.shape[2:])


def _filters(W: Array, geometry: ConvGeometry) -> Array:
    """(K, C // groups, *kernel) as (groups, K // groups, C // groups, *kernel)."""
    return W.reshape(geometry.groups, -1, *W.shape[1:])


def _rows(box: Array, dims: int) -> tuple[Array, tuple[int, ...]]:
    """(N, groups, channels, *space) as (N, groups, channels, positions), and the space."""
    space = box.shape[-dims:]
    return box.reshape(*box.shape[:-dims], -1), space


def _boxes(geometry: ConvGeometry) -> Iterator[Boxes]:
    """Every filter position with its boxes, those that meet only padding left out."""
    for place in product(*map(range, geometry.kernel)):
        sides = [_side(axis, k) for axis, k in zip(geometry.axes, place, strict=True)]
        if all(out.start < out.stop for out, _ in sides):
            outs, inputs = zip(*sides, strict=True)
            yield Boxes((..., *place), (..., *outs), (..., *inputs))


def _side(axis: Axis, kernel: int) -> tuple[slice, slice]:
    """The windows whose place ``kernel`` lies in the input, and the inputs it meets there."""
    outs = axis.outputs_of_kernel(kernel)
    start = axis.position(outs.start, kernel)
    inputs = slice(start, start + len(outs) * axis.stride, axis.stride)
    return slice(outs.start, outs.stop), inputs
