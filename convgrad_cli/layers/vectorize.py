"""The convolution as matrix products (Diba, eq. 30 to 35, mended): windows as rows, and T.

    Q   (N, C, positions, offsets)     Q[n,c,k,l] = the padded X under offset l of window k
    Z   = Q·W   summed over C and offsets      Z[n,o,k] = Σ_c,l Q[n,c,k,l] W[o,c,l]
    dW  = Qᵀ·dZ                                dW[o,c,l] = Σ_n,k dZ[n,o,k] Q[n,c,k,l]
    dQ  = dZ·Wᵀ, then col2im adds every entry of dQ to the place of X it was copied from

and, for one sample, one sparse (Toeplitz) matrix T of the weights alone:

    Y = T·x        dX = Tᵀ·dY       (x, Y flattened over channels and positions)

The index map says which flat position of X's spatial plane stands in Q[·,·,k,l], −1 for padding. It
is made with array arithmetic of its own, so that the three ways to the same numbers (this Q, this
T, and :mod:`convgrad_cli.layers.conv`) share no index code.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.errors import UsageError
from convgrad_cli.layers.numbers import sum_of_products

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array

LARGEST_MATRIX = 4_000_000


@dataclass(frozen=True)
class Vectorized:
    """The windows as rows: Q and the index map, with the reshaped filter."""

    Q: Array
    index_map: Array
    W: Array
    geometry: ConvGeometry


def index_map(geometry: ConvGeometry) -> Array:
    """(positions, offsets): the flat place in X's plane under each offset of each window, or −1."""
    flat = np.zeros((1, 1), dtype=np.int64)
    inside = np.ones((1, 1), dtype=bool)
    for axis in geometry.axes:
        starts = np.arange(axis.output) * axis.stride - axis.before
        along = starts[:, None] + np.arange(axis.kernel)[None, :] * axis.dilation
        fits = (along >= 0) & (along < axis.size)
        # Row-major in positions and in offsets: the earlier axes vary slowest.
        flat = _outer(flat * axis.size, np.where(fits, along, 0), np.add)
        inside = _outer(inside, fits, np.logical_and)
    return np.where(inside, flat, -1)


def vectorized(X: Array, W: Array, geometry: ConvGeometry) -> Vectorized:
    """Q, its index map and the filter as (K, C // groups, offsets).

    Raises UsageError where Q would be too large to be looked at.
    """
    refuse_large(geometry)
    places = index_map(geometry)
    plane = X.reshape(*X.shape[:2], -1)
    Q = np.where(places >= 0, plane[:, :, places], np.zeros((), X.dtype))
    return Vectorized(Q, places, W.reshape(*W.shape[:2], -1), geometry)


def forward(view: Vectorized, b: Array | None = None) -> Array:
    """Z (N, K, positions) = Q·W, one contraction over channels and offsets, plus b."""
    groups = view.geometry.groups
    shape = (*view.geometry.output_shape[:2], -1)
    bias = [] if b is None else [b.reshape(1, -1, 1)]

    def compute(Q: Array, W: Array, *bias: Array) -> Any:
        Z = np.einsum("ngckl,gocl->ngok", _groups(Q, groups, 1), _groups(W, groups, 0))
        Z = Z.reshape(shape)
        return Z + bias[0] if bias else Z

    return sum_of_products(compute, view.Q, view.W, *bias, terms=prod(view.W.shape[1:]))


def grad_weight(view: Vectorized, dZ: Array) -> Array:
    """dW (K, C // groups, offsets) = Qᵀ·dZ, for dZ (N, K, positions)."""
    groups = view.geometry.groups

    def compute(Q: Array, dZ: Array) -> Any:
        dW = np.einsum("ngok,ngckl->gocl", _groups(dZ, groups, 1), _groups(Q, groups, 1))
        return dW.reshape(view.W.shape)

    return sum_of_products(compute, view.Q, dZ, terms=dZ.shape[0] * dZ.shape[2])


def grad_windows(view: Vectorized, dZ: Array) -> Array:
    """dQ (N, C, positions, offsets) = dZ·Wᵀ."""
    groups = view.geometry.groups

    def compute(W: Array, dZ: Array) -> Any:
        dQ = np.einsum("ngok,gocl->ngckl", _groups(dZ, groups, 1), _groups(W, groups, 0))
        return dQ.reshape(view.Q.shape)

    return sum_of_products(compute, view.W, dZ, terms=view.geometry.filters_per_group)


def col2im(view: Vectorized, dQ: Array) -> Array:
    """dX (N, C, *in): every entry of dQ added to the place it came from; padding is dropped."""
    shape = view.geometry.input_shape
    inside = view.index_map >= 0

    def compute(dQ: Array, one: Array) -> Any:
        dX = np.zeros((*shape[:2], prod(shape[2:])), dQ.dtype)
        places: Any = (..., view.index_map[inside])
        np.add.at(dX, places, dQ[..., inside])
        return dX.reshape(shape)

    return sum_of_products(compute, dQ, np.ones((), dQ.dtype), terms=prod(view.geometry.kernel))


def toeplitz(W: Array, geometry: ConvGeometry) -> Array:
    """T (K·positions, C·in): one row per output, W's entries where that output meets the input.

    Every filter entry stands once in each row it reaches, shifted by the stride from row to row.
    Raises UsageError where T would be too large to be looked at.
    """
    refuse_large(geometry, toeplitz=True)
    outputs, inputs = prod(geometry.output_size), prod(geometry.input_size)
    T = np.zeros((geometry.out_channels, outputs, geometry.in_channels, inputs), W.dtype)
    places = index_map(geometry)
    weights = W.reshape(*W.shape[:2], -1)
    for o in range(geometry.out_channels):
        first = o // geometry.filters_per_group * geometry.channels_per_group
        for k, l in np.argwhere(places >= 0):
            T[o, k, first : first + geometry.channels_per_group, places[k, l]] = weights[o, :, l]
    return T.reshape(geometry.out_channels * outputs, -1)


def times(T: Array, maps: Array) -> Array:
    """T·x for every sample: maps (N, …) flattened, -> (N, rows of T)."""
    flat = maps.reshape(maps.shape[0], -1)
    return sum_of_products(lambda T, x: x @ T.T, T, flat, terms=T.shape[1])


def _outer(slow: Array, fast: Array, join: Any) -> Array:
    """(a, b) and (c, d) joined as (a·c, b·d), row-major."""
    joined = join(slow[:, None, :, None], fast[None, :, None, :])
    return np.asarray(joined.reshape(slow.shape[0] * fast.shape[0], -1))


def _groups(array: Array, groups: int, axis: int) -> Array:
    """The channel axis as (groups, channels of one group)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def toeplitz_shape(geometry: ConvGeometry) -> tuple[int, int]:
    """Rows and columns of T: the entries of one sample's Y and X."""
    return prod(geometry.output_shape[1:]), prod(geometry.input_shape[1:])


def refuse_large(geometry: ConvGeometry, *, toeplitz: bool = False) -> None:
    """Raise UsageError where Q (or T) would be too large to be looked at."""
    size = prod(geometry.input_shape[:2]) * prod(geometry.output_size) * prod(geometry.kernel)
    if toeplitz:
        size = prod(toeplitz_shape(geometry))
    if size > LARGEST_MATRIX:
        raise UsageError(
            f"The matrix {'T' if toeplitz else 'Q'} of this layer is too large to be shown.",
            expected=f"at most {LARGEST_MATRIX} entries",
            found=str(size),
            remedy="use a smaller layer: one sample, one channel, a crop",
        )
