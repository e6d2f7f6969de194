"""Large layers of float32 or float64: forward and backward as sweeps of matrix products."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.layers.kernels.depthwise import Depthwise
from convgrad_cli.layers.kernels.finite import finite
from convgrad_cli.layers.kernels.lines import (
    forward_correlation,
    gradient_correlations,
    in_one_phase,
    woven_gradient,
)
from convgrad_cli.layers.kernels.sweep import Sweep
from convgrad_cli.layers.kernels.tall import Tall
from convgrad_cli.layers.kernels.workers import worker_count

if TYPE_CHECKING:
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.layers.numbers import Array


# Sums of a filter, and its copy in the order of a stack, that may be held at a time, by all workers
# together: a larger filter is taken some channels at a time.
TILE_BYTES = 2**26
# Channels of a result from which a matrix product of its own is worth its stack.
FEW = 8
# Channels beside a single one up to which a product has too little to use twice.
BESIDE_ONE = 4
# Share of true taps from which the phases of dX are better made together.
DENSE = 0.5


def forward(X: Array, W: Array, b: Array | None, geometry: ConvGeometry, Y: Array) -> None:
    """Y from X with W, plus b (K,), all canonical; the correlation along the layer's own lines."""
    correlation = forward_correlation(geometry.axes)
    U, m, out = _grouped(X, geometry), _filters(W, geometry), _grouped(Y, geometry)
    U = U[correlation.u_index]
    bias = None if b is None else b.reshape(geometry.groups, -1, 1)
    if m.shape[1] < FEW:
        one_pass = _one_pass(geometry)
        one_pass(in_one_phase(correlation), U, m=m, out=out, b=bias).run()
        return
    for some in _tiles(W.nbytes, m.shape[1]):
        share = None if bias is None else bias[:, some]
        Sweep(correlation, U, m=m[:, some], out=out[:, :, some], b=share).run()


def backward(
    X: Array | None,
    W: Array | None,
    dY: Array,
    geometry: ConvGeometry,
    dX: Array | None,
    dW: Array | None,
) -> None:
    """Fill dX (from W and dY) and dW (from X and dY), whichever is given."""
    out = None if dX is None or W is None else _grouped(dX, geometry)
    dm = None if dW is None or X is None else _filters(dW, geometry)
    few = geometry.channels_per_group < FEW
    merged = (few or prod(geometry.stride) > 1) and _can_be_merged(geometry, dY)
    if merged and few and X is not None and dm is not None and geometry.filters_per_group >= FEW:
        _filter_sums(X, dY, geometry, dm)
        dm = None
    m = None if out is None or W is None else _filters(W, geometry).swapaxes(1, 2)
    V = None if dm is None or X is None else _grouped(X, geometry)
    if m is None and V is None:
        return
    if len(gradient_correlations(geometry.axes)) < prod(geometry.stride):
        # Phases and filter positions that meet nothing but padding
        for result in (out, dm):
            if result is not None:
                result.fill(0)
    operands = Operands(
        _grouped(dY, geometry), m, out, V, None if dm is None else dm.swapaxes(1, 2)
    )
    if merged:
        one_pass = _one_pass(geometry)
        one_pass(woven_gradient(geometry.axes), *operands).run()
    else:
        _by_phase(operands, geometry)


class Operands(NamedTuple):
    """What a sweep takes, in its order."""

    U: Array
    m: Array | None
    out: Array | None
    V: Array | None
    dm: Array | None


def _by_phase(operands: Operands, geometry: ConvGeometry) -> None:
    """Each phase of dX is a correlation of dY with the exchanged filter; the stack of dY that makes
    it also makes dW at its taps, with the phase of X in the place of the result."""
    U, m, out, V, dm = operands
    tiles = _tiles(prod(geometry.filter_shape) * U.itemsize, geometry.channels_per_group)
    for correlation, some in product(gradient_correlations(geometry.axes), tiles):
        index = (slice(None), slice(None), some)
        phase = correlation.v_index
        Sweep(
            correlation,
            U,
            m=None if m is None else m[:, some],
            out=None if out is None else out[index][phase],
            V=None if V is None else V[index][phase],
            dm=None if dm is None else dm[:, some],
        ).run()


def _can_be_merged(geometry: ConvGeometry, dY: Array) -> bool:
    """Whether the phases of dX have few gaps between their taps (and none that meets infinity,
    which would be a term that the sum does not have), and a filter of moderate size."""
    density = woven_gradient(geometry.axes).density
    whole = len(_tiles(prod(geometry.filter_shape) * dY.itemsize, geometry.channels_per_group)) == 1
    return whole and (density == 1 or (density >= DENSE and finite(dY)))


def _one_pass(geometry: ConvGeometry) -> type[Depthwise | Tall]:
    """The way that suits layers of few channels a group, or several phases."""
    fewer, more = sorted((geometry.channels_per_group, geometry.filters_per_group))
    return Depthwise if fewer == 1 and more <= BESIDE_ONE else Tall


def _filter_sums(X: Array, dY: Array, geometry: ConvGeometry, dm: Array) -> None:
    """dW from the stack of X: the forward sum with dY in the place of Y."""
    correlation = forward_correlation(geometry.axes)
    U = _grouped(X, geometry)[correlation.u_index]
    Sweep(correlation, U, V=_grouped(dY, geometry), dm=dm).run()


def _tiles(size: int, channels: int) -> list[slice]:
    """The channels of the result in equal parts, each with at most its share of the filter."""
    parts = min(channels, -(-size * worker_count() // TILE_BYTES))
    return [slice(i * channels // parts, (i + 1) * channels // parts) for i in range(parts)]


def _grouped(array: Array, geometry: ConvGeometry) -> Array:
    """(N, channels, *space) as (N, groups, channels // groups, *space)."""
    return array.reshape(array.shape[0], geometry.groups, -1, *array.shape[2:])


def _filters(W: Array, geometry: ConvGeometry) -> Array:
    """(K, C // groups, *kernel) as (groups, K // groups, C // groups, *kernel)."""
    return W.reshape(geometry.groups, -1, *W.shape[1:])
