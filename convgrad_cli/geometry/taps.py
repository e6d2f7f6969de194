"""Taps: which X position meets which W position for which Y position, as whole indices.

The one idea that carries both halves of convgrad. Each function lists the products that make one
element, in the lectures' order (row-major over the outputs for the gradients):

    Y[n,o,i]   = b[o] + sum of X W     output_taps
    dW[o,c,p]  = sum of dY X           weight_taps
    dX[n,c,x]  = sum of dY W           input_taps

Indices are canonical (see :mod:`convgrad_cli.geometry.layer`). The cost is that of the listed
products; nothing else of the layer is touched.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.geometry.axis import Tap
    from convgrad_cli.geometry.layer import ConvGeometry, PoolGeometry

Index: TypeAlias = tuple[int, ...]


class Product(NamedTuple):
    """The indices of one product of a convolution: Y[output] += X[input] * W[filter]."""

    output: Index
    input: Index
    filter: Index


class Member(NamedTuple):
    """A pool's window ``output`` holds input position ``input``."""

    output: Index
    input: Index


def output_taps(geometry: ConvGeometry, index: Index) -> Iterator[Product]:
    """The products that make Y[index]: channels outermost, then filter positions row-major."""
    n, o, *place = index
    first = o // geometry.filters_per_group * geometry.channels_per_group
    along = [axis.taps_of_output(i) for axis, i in zip(geometry.axes, place, strict=True)]
    for c in range(geometry.channels_per_group):
        for taps in product(*along):
            yield Product(index, (n, first + c, *_inputs(taps)), (o, c, *_kernels(taps)))


def weight_taps(geometry: ConvGeometry, index: Index) -> Iterator[Product]:
    """The products that make dW[index]: row-major over dY (samples outermost)."""
    o, c, *place = index
    channel = o // geometry.filters_per_group * geometry.channels_per_group + c
    along = [axis.taps_of_kernel(k) for axis, k in zip(geometry.axes, place, strict=True)]
    for n in range(geometry.batch):
        for taps in product(*along):
            yield Product((n, o, *_outs(taps)), (n, channel, *_inputs(taps)), index)


def input_taps(geometry: ConvGeometry, index: Index) -> Iterator[Product]:
    """The products that make dX[index]: row-major over dY (filters outermost)."""
    n, channel, *place = index
    group, c = divmod(channel, geometry.channels_per_group)
    along = [axis.taps_of_input(x) for axis, x in zip(geometry.axes, place, strict=True)]
    first = group * geometry.filters_per_group
    for o in range(first, first + geometry.filters_per_group):
        for taps in product(*along):
            yield Product((n, o, *_outs(taps)), index, (o, c, *_kernels(taps)))


def window_members(geometry: PoolGeometry, index: Index) -> Iterator[Member]:
    """The input positions of the pool's window Y[index], row-major; padding is left out."""
    n, c, *place = index
    along = [axis.taps_of_output(i) for axis, i in zip(geometry.axes, place, strict=True)]
    for taps in product(*along):
        yield Member(index, (n, c, *_inputs(taps)))


def windows_over(geometry: PoolGeometry, index: Index) -> Iterator[Member]:
    """The pool's windows that hold the input position ``index``, row-major."""
    n, c, *place = index
    along = [axis.taps_of_input(x) for axis, x in zip(geometry.axes, place, strict=True)]
    for taps in product(*along):
        yield Member((n, c, *_outs(taps)), index)


def _outs(taps: Sequence[Tap]) -> Index:
    return tuple(tap.out for tap in taps)


def _kernels(taps: Sequence[Tap]) -> Index:
    return tuple(tap.kernel for tap in taps)


def _inputs(taps: Sequence[Tap]) -> Index:
    return tuple(tap.input for tap in taps)
