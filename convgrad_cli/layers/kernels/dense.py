"""Large layers of float32 or float64: forward and backward as sweeps of matrix products."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.layers.kernels.lines import forward_correlation, gradient_correlations
from convgrad_cli.layers.kernels.spread import Spread
from convgrad_cli.layers.kernels.sweep import Sweep
from convgrad_cli.layers.kernels.workers import worker_count

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array


# Sums of a filter, and its copy in the order of a stack, that may be held at a time, by all workers
# together: a larger filter is taken some channels at a time.
TILE_BYTES = 2**26


def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry, Y: Array) -> None:
    """Y from X with W, plus b (K,), all canonical; the correlation along the layer's own lines."""
    correlation = forward_correlation(geometry.axes)
    U, m, out = _grouped(X, geometry), _filters(W, geometry), _grouped(Y, geometry)
    bias = None if b is None else b.reshape(geometry.groups, -1, 1)
    for some in _tiles(W.nbytes, m.shape[1]):
        Sweep(
            correlation,
            U[correlation.u_index],
            m=m[:, some],
            out=out[:, :, some],
            b=None if bias is None else bias[:, some],
        ).run()


def backward(
    X: Array | None,
    W: Array | None,
    dY: Array,
    geometry: ConvGeometry,
    dX: Array | None,
    dW: Array | None,
) -> None:
    """Fill dX (from W and dY) and dW (from X and dY), whichever is given.

    The phases of dX are correlations of dY with the exchanged filter; the stack of dY that makes a
    phase also makes dW at its taps, with the phase of X in the place of the result.
    """
    if _few_channels(geometry):
        if dX is not None and W is not None:
            _spread_products(W, dY, geometry, dX)
        if dW is not None and X is not None:
            _filter_sums(X, dY, geometry, dW)
        return
    correlations = gradient_correlations(geometry.axes)
    for result in (dX, dW):
        # Phases and filter positions that meet nothing but padding
        if result is not None and len(correlations) < prod(geometry.stride):
            result.fill(0)
    m, dm = (None if w is None else _filters(w, geometry).swapaxes(1, 2) for w in (W, dW))
    out, V = (None if x is None else _grouped(x, geometry) for x in (dX, X))
    bytes_ = prod(geometry.filter_shape) * dY.itemsize
    for correlation, some in product(correlations, _tiles(bytes_, geometry.channels_per_group)):
        channels = (slice(None), slice(None), some)
        phase = correlation.v_index
        Sweep(
            correlation,
            _grouped(dY, geometry),
            m=None if m is None or out is None else m[:, some],
            out=None if out is None else out[channels][phase],
            V=None if V is None or dm is None else V[channels][phase],
            dm=None if dm is None else dm[:, some],
        ).run()


def _spread_products(W: Array, dY: Array, geometry: ConvGeometry, dX: Array) -> None:
    """dX tap by tap, on the lines of the forward pass."""
    correlation = forward_correlation(geometry.axes)
    dX.fill(0)
    target = _grouped(dX, geometry)[correlation.u_index]
    Spread(correlation, _filters(W, geometry), _grouped(dY, geometry), target).run()


def _filter_sums(X: Array, dY: Array, geometry: ConvGeometry, dW: Array) -> None:
    """dW from the stack of X: the forward sum with dY in the place of Y."""
    correlation = forward_correlation(geometry.axes)
    Sweep(
        correlation,
        _grouped(X, geometry)[correlation.u_index],
        V=_grouped(dY, geometry),
        dm=_filters(dW, geometry),
    ).run()


def _tiles(size: int, channels: int) -> list[slice]:
    """The channels of the result in equal parts, each with at most its share of the filter."""
    parts = min(channels, -(-size * worker_count() // TILE_BYTES))
    return [slice(i * channels // parts, (i + 1) * channels // parts) for i in range(parts)]


def _few_channels(geometry: ConvGeometry) -> bool:
    """Whether dX has so few channels that spreading products beats gathering dY."""
    few, many = geometry.channels_per_group, geometry.filters_per_group
    return few < 8 and 4 * few <= many


def _grouped(array: Array, geometry: ConvGeometry) -> Array:
    """(N, channels, *space) as (N, groups, channels // groups, *space)."""
    return array.reshape(array.shape[0], geometry.groups, -1, *array.shape[2:])


def _filters(W: Array, geometry: ConvGeometry) -> Array:
    """(K, C // groups, *kernel) as (groups, K // groups, C // groups, *kernel)."""
    return W.reshape(geometry.groups, -1, *W.shape[1:])
