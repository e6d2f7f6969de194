"""The catalogue for Y of a convolution: rows F1, F2, B4 to B6, W4 and the options' X10 to X13."""

from __future__ import annotations

from itertools import chain, combinations
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.channels import deinterleaved, interleaved, layout_readings
from convgrad_cli.check.mistake_of import AXIS_NAMES, mistake
from convgrad_cli.check.recipes import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import Axis, ConvGeometry
    from convgrad_cli.geometry.transposed import TransposedGeometry


def output_mistakes(geometry: ConvGeometry, *, bias: bool) -> list[Mistake]:
    """Every reading of every row that this geometry has room for."""
    makers = (_filter, _groups, _options)
    found = list(chain.from_iterable(maker(geometry) for maker in makers))
    return [*found, *bias_readings(geometry)] if bias else found


def _filter(geometry: ConvGeometry) -> Iterator[Mistake]:
    long = tuple(j + 2 for j, axis in enumerate(geometry.axes) if axis.kernel > 1)
    if long:
        phrase = "a true convolution (the filter rotated) instead of a cross-correlation"
        fix = "do not rotate the filter: deep learning's convolution is a cross-correlation"
        yield mistake("F1", phrase, fix, flip=long)
    fix = "transpose the filter to (K, C/groups, ...) first (--filter-layout names its layout)"
    for name, reading in layout_readings(geometry.filter_shape):
        yield mistake("F2", f"the filter's numbers read as {name}", fix, filters=reading)
    if geometry.groups == 1 and geometry.in_channels == geometry.out_channels > 1:
        phrase = "in- and out-channels of the filter exchanged"
        yield mistake("F2", phrase, fix, filters=lambda W: W.swapaxes(0, 1))
    for a, b in combinations(range(geometry.dims), 2):
        names = f"{AXIS_NAMES[geometry.dims][a]} and {AXIS_NAMES[geometry.dims][b]}"
        fix = "keep the order of the spatial axes"
        if geometry.kernel[a] > 1 or geometry.kernel[b] > 1:
            phrase = f"{names} of the filter exchanged"
            yield mistake("X10", phrase, fix, turned=("W", a + 2, b + 2))
        if geometry.stride[a] != geometry.stride[b]:
            step = list(geometry.stride)
            step[a], step[b] = step[b], step[a]
            yield mistake("X10", f"the strides of {names} exchanged", fix, step=tuple(step))
        phrase = f"{names} of the result exchanged"
        yield mistake("X10", phrase, fix, order=lambda Y, a=a, b=b: Y.swapaxes(a + 2, b + 2))


def _groups(geometry: ConvGeometry) -> Iterator[Mistake]:
    groups = geometry.groups
    if groups == 1:
        return
    fix = "group g joins in-channels [g·C/G, (g+1)·C/G) with filters [g·K/G, (g+1)·K/G)"
    width = geometry.channels_per_group
    phrase = "every filter given the first group's in-channels"
    yield mistake("X13", phrase, fix, groups=1, inputs=lambda X: X[:, :width])
    for name, stage, axis, size in (
        ("in-channels of X", "inputs", 1, width),
        ("filters", "filters", 0, geometry.filters_per_group),
        ("out-channels of Y", "output", 1, geometry.filters_per_group),
    ):
        phrase = f"the {name} dealt to the groups in turn instead of in blocks"
        for deal in (interleaved, deinterleaved) if size > 1 else ():
            change = {stage: lambda array, deal=deal, axis=axis: deal(array, axis, groups)}
            yield mistake("X13", phrase, fix, **change)  # type: ignore[arg-type]


def _options(geometry: ConvGeometry) -> Iterator[Mistake]:
    before = tuple(axis.before for axis in geometry.axes)
    after = tuple(axis.after for axis in geometry.axes)
    zero = (0,) * geometry.dims

    def unpadded(_: int, axis: Axis) -> Span:
        count = (axis.size - axis.extent) // axis.stride + 1
        return Span(0, count, count)

    if any(before) or any(after):
        fix = "pad X with p_before and p_after zeros first"
        phrase = "X not padded, the result too small for it"
        yield mistake("W4", phrase, fix, offset=zero, count=unpadded)
        if any(before):
            yield mistake("W4", "X padded at its end only", fix, offset=zero)
    if before != after:
        phrase = "the uneven padding on the wrong side"
        yield mistake("X12", phrase, "pad p_before before and p_after after", offset=after)
    if geometry.stride != geometry.dilation:
        fix = "the stride moves the window, the dilation spreads the filter"
        yield from _exchanged(geometry, fix)


def _exchanged(geometry: ConvGeometry, fix: str) -> Iterator[Mistake]:
    def natural(_: int, axis: Axis) -> Span:
        extent = axis.stride * (axis.kernel - 1) + 1
        count = (axis.padded - extent) // axis.dilation + 1
        return Span(0, count, count)

    swapped: dict[str, Any] = {"step": geometry.dilation, "spacing": geometry.stride}
    phrase = "stride and dilation exchanged"
    yield mistake("X11", phrase, fix, **swapped, count=natural)
    yield mistake("X11", f"{phrase}, in the right shape", fix, common=False, **swapped)


def bias_readings(geometry: ConvGeometry | TransposedGeometry) -> Iterator[Mistake]:
    """Rows B4 to B6: the bias in the output."""
    kernel, channels = prod(geometry.kernel), geometry.channels_per_group
    fix = "add b[o] once to each Y[n, o, i], after the sum over the window"
    seen = {1}
    for what, times in (
        ("element of the window", kernel * channels),
        ("position of the window", kernel),
        ("in-channel", channels),
    ):
        if times not in seen:
            seen.add(times)
            phrase = f"the bias added once per {what} ({times} times)"
            yield mistake("B4", phrase, fix, bias=_times(times))
    yield mistake("B5", "the bias left out", "add b[o] to Y[:, o]", bias=lambda Y, b: Y)
    for axis in range(geometry.dims + 2):
        sizes = geometry.output_shape
        if axis != 1 and sizes[axis] == geometry.out_channels > 1:
            phrase = f"the bias added along axis {axis} instead of the channels' axis 1"
            fix = "reshape it first: b.reshape(1, K, 1, ...)"
            yield mistake("B6", phrase, fix, bias=_along(axis))


def _times(times: int) -> object:
    return lambda Y, b: Y + times * b.reshape(-1, *[1] * (Y.ndim - 2))


def _along(axis: int) -> object:
    def add(Y: Array, b: Array) -> Array:
        shape = [1] * Y.ndim
        shape[axis] = -1
        return np.asarray(Y + b.reshape(shape))

    return add
