"""The catalogue for dX of a convolution: rows X1 to X13 (and F2) as changes of stages."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from convgrad_cli.check.catalogue_channels import channel_mistakes, only
from convgrad_cli.check.mistake_of import AXIS_NAMES, mistake
from convgrad_cli.check.recipes import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.geometry import Axis, ConvGeometry


def input_mistakes(geometry: ConvGeometry) -> list[Mistake]:
    """Every reading of every row that this geometry has room for."""
    makers = (
        _not_rotated,
        _not_dilated,
        _leftovers,
        _crops,
        _full_padding,
        _overwritten,
        _exchanged_axes,
        _exchanged_options,
    )
    found = list(chain.from_iterable(maker(geometry) for maker in makers))
    return found + channel_mistakes(geometry)


def _not_rotated(geometry: ConvGeometry) -> Iterator[Mistake]:
    long = [j + 2 for j, axis in enumerate(geometry.axes) if axis.kernel > 1]
    names = AXIS_NAMES[geometry.dims]
    spatial = ", ".join(["::-1"] * geometry.dims)
    fix = f"rotate it once: W[..., {spatial}] in the full convolution"
    if long:
        yield mistake(
            "X1", "the filter not rotated by 180° (or rotated twice)", fix, flip=tuple(long)
        )
    for size in range(1, len(long)):
        for kept in combinations(long, size):
            flipped = " and ".join(names[a - 2] for a in long if a not in kept)
            yield mistake("X2", f"the filter flipped along its {flipped} only", fix, flip=kept)


def _natural(_: int, axis: Axis, touched: int) -> Span:
    length = touched - axis.before - axis.after
    return Span(axis.before, length, length)


def _not_dilated(geometry: ConvGeometry) -> Iterator[Mistake]:
    if all(axis.stride == 1 or axis.output == 1 for axis in geometry.axes):
        return
    fix = "put stride − 1 zeros between the entries of dY before the full convolution"
    once = (1,) * geometry.dims
    phrase = "dY not dilated by the stride (the rest filled with 0)"
    yield mistake("X5", phrase, fix, step=once)
    phrase = "dY not dilated by the stride, the result too small for it"
    yield mistake("X5", phrase, fix, step=once, crop=_natural)
    phrase = "dY not dilated by the stride but padded evenly to the right size"
    yield mistake("X5", phrase, fix, common=False, step=once, crop=_centred)
    phrase = "dY repeated stride times where zeros belong between its entries"
    yield mistake("X5", phrase, fix, step=once, repeat=True)
    more = tuple(s + 1 if s > 1 else 1 for s in geometry.stride)
    phrase = "dY dilated with stride zeros instead of stride − 1"
    yield mistake("X5", phrase, fix, step=more)
    yield mistake("X5", phrase, fix, common=False, step=more, crop=_natural)


def _centred(_: int, axis: Axis, touched: int) -> Span:
    missing = axis.size - (touched - axis.extent + 1) + axis.extent - 1
    return Span(axis.extent - 1 - missing // 2, axis.size, axis.size)


def _leftovers(geometry: ConvGeometry) -> Iterator[Mistake]:
    if not any(axis.leftover for axis in geometry.axes):
        return
    fix = (
        "give the leftover r = (H + p_before + p_after − d(k−1) − 1) mod s to the end: "
        "those rows get what still reaches them, else 0"
    )
    phrase = "the leftover rows missing at the end"
    yield mistake("X6", phrase, fix, crop=_natural)
    phrase = "the leftover rows put before the input instead of after it (everything shifted)"
    yield mistake("X6", phrase, fix, crop=lambda _, a, t: _at(a.before - a.leftover, a))
    phrase = "the leftover rows split between both ends"
    half = mistake("X6", phrase, fix, crop=lambda _, a, t: _at(a.before - a.leftover // 2, a))
    if any(axis.leftover > 1 for axis in geometry.axes):
        yield half
    if any(axis.leftover and axis.after for axis in geometry.axes):
        phrase = "the leftover rows filled with 0 though padding's windows still reach them"
        yield mistake("X6", phrase, fix, crop=_zero_filled)


def _at(start: int, axis: Axis) -> Span:
    return Span(start, axis.size, axis.size)


def _zero_filled(_: int, axis: Axis, touched: int) -> Span:
    length = min(axis.size, touched - axis.before - axis.after)
    return Span(axis.before, length, axis.size)


def _full_padding(geometry: ConvGeometry) -> Iterator[Mistake]:
    fix = "pad the dilated dY with d(k−1) − p_before before and d(k−1) − p_after + r after"
    if any(axis.dilation > 1 and axis.kernel > 1 for axis in geometry.axes):
        phrase = "dY padded by k−1 where d(k−1) belongs"
        yield mistake("X7", phrase, fix, crop=lambda _, a, t: _shrunk(a, t, a.size))
        phrase += ", the result too small for it"
        yield mistake("X7", phrase, fix, crop=lambda _, a, t: _shrunk(a, t, None))
        phrase = "the dilation left out: filter not dilated, padded by k−1"
        once = (1,) * geometry.dims
        yield mistake("X7", phrase, fix, spacing=once)
        yield mistake("X7", phrase, fix, common=False, spacing=once, crop=_natural)
    if any(axis.before or axis.after for axis in geometry.axes):
        phrase = "dY padded by d(k−1) where d(k−1) − p belongs, the result too large"
        yield mistake("X7", phrase, fix, crop=lambda _, a, t: Span(0, *_twice(t + a.leftover)))
        phrase = "dY padded by d(k−1) where d(k−1) − p belongs, cut to [:H]"
        yield mistake("X7", phrase, fix, crop=lambda _, a, t: _at(0, a))
        if any(2 * axis.before != axis.extent - 1 for axis in geometry.axes):
            phrase = "dY padded by the forward pass's p where d(k−1) − p belongs"
            yield mistake("X7", phrase, fix, crop=_forward_padding)
    if any(axis.extent > 1 for axis in geometry.axes):
        phrase = "dY not padded for the full convolution"
        yield mistake("X7", phrase, fix, crop=_unpadded)
        phrase += ", the rest filled with 0"
        yield mistake("X7", phrase, fix, common=False, crop=_unpadded_filled)


def _twice(length: int) -> tuple[int, int]:
    return length, length


def _shrunk(axis: Axis, touched: int, total: int | None) -> Span:
    lost = axis.extent - axis.kernel
    length = touched - axis.before - axis.after - 2 * lost + axis.leftover
    return Span(axis.before + lost, length, length if total is None else total)


def _forward_padding(_: int, axis: Axis, touched: int) -> Span:
    length = touched - 2 * (axis.extent - 1) + axis.before + axis.after
    return Span(axis.extent - 1 - axis.before, length, length)


def _unpadded(_: int, axis: Axis, touched: int) -> Span:
    length = touched - 2 * (axis.extent - 1)
    return Span(axis.extent - 1, length, length)


def _unpadded_filled(_: int, axis: Axis, touched: int) -> Span:
    return Span(axis.extent - 1, touched - 2 * (axis.extent - 1), axis.size)


def _crops(geometry: ConvGeometry) -> Iterator[Mistake]:
    if not any(axis.before or axis.after for axis in geometry.axes):
        return
    fix = "cut the padding off again: dX_padded[..., p:p + H, p:p + W]"
    phrase = "the padding's gradient not cropped"
    yield mistake("X8", phrase, fix, crop=lambda _, a, t: Span(0, *_twice(a.padded)))
    if any(axis.before for axis in geometry.axes):
        phrase = "the padding's gradient cropped as [:H, :W] instead of [p:p + H, p:p + W]"
        yield mistake("X8", phrase, fix, crop=lambda _, a, t: _at(0, a))
        phrase = "the padding's gradient cropped from the wrong end ([2p:])"
        yield mistake("X8", phrase, fix, crop=lambda _, a, t: _at(a.before + a.after, a))


def _overwritten(geometry: ConvGeometry) -> Iterator[Mistake]:
    fix = "add up: dX_padded[window] += dY[...] * W (a position lies in several windows)"
    if any(axis.kernel > 1 and axis.output > 1 for axis in geometry.axes):
        phrase = "= where += belongs: the last window overwrites the others"
        yield mistake("X9", phrase, fix, accumulate="last")
        phrase = "= where += belongs, filter position by filter position: the first window wins"
        yield mistake("X9", phrase, fix, accumulate="first")
    if geometry.filters_per_group > 1:
        phrase = "= where += belongs: the last filter and window overwrite the others"
        yield mistake("X9", phrase, fix, accumulate="last filter")
        phrase = "= where += belongs: the last filter overwrites the others"
        last = slice(geometry.filters_per_group - 1, None, geometry.filters_per_group)
        yield mistake("X9", phrase, fix, upstream=lambda dY: only(dY, last))


def _exchanged_axes(geometry: ConvGeometry) -> Iterator[Mistake]:
    names = AXIS_NAMES[geometry.dims]
    for a, b in combinations(range(geometry.dims), 2):
        what, fix = f"{names[a]} and {names[b]}", "keep the order of the spatial axes"
        i, j = a + 2, b + 2
        if geometry.kernel[a] > 1 or geometry.kernel[b] > 1:
            phrase = f"{what} of the filter exchanged"
            yield mistake("X10", phrase, fix, turned=("W", i, j))
        if geometry.output_size[a] > 1 or geometry.output_size[b] > 1:
            yield mistake("X10", f"{what} of dY exchanged", fix, turned=("dY", i, j))
        phrase = f"{what} of the result exchanged"
        yield mistake("X10", phrase, fix, order=_swapper(i, j))
        if geometry.input_size[a] != geometry.input_size[b]:
            phrase = f"{what} exchanged by a reshape"
            yield mistake("X10", phrase, fix, order=_reshaper(i, j), common=False)
        if geometry.stride[a] != geometry.stride[b]:
            yield mistake(
                "X10", f"the strides of {what} exchanged", fix, step=_swapped(geometry.stride, a, b)
            )
        if geometry.padding[a] != geometry.padding[b]:
            pads = _swapped(geometry.padding, a, b)
            phrase = f"the paddings of {what} exchanged"
            yield mistake("X10", phrase, fix, crop=lambda j, ax, t, pads=pads: _at(pads[j][0], ax))


def _swapped(values: tuple[Any, ...], a: int, b: int) -> tuple[Any, ...]:
    listed = list(values)
    listed[a], listed[b] = listed[b], listed[a]
    return tuple(listed)


def _swapper(i: int, j: int) -> Any:
    return lambda result: result.swapaxes(i, j)


def _reshaper(i: int, j: int) -> Any:
    return lambda result: result.swapaxes(i, j).reshape(result.shape)


def _exchanged_options(geometry: ConvGeometry) -> Iterator[Mistake]:
    if geometry.stride != geometry.dilation:
        phrase = "stride and dilation exchanged"
        fix = "the stride moves the window, the dilation spreads the filter"
        yield mistake("X11", phrase, fix, step=geometry.dilation, spacing=geometry.stride)
    if any(axis.before != axis.after for axis in geometry.axes):
        phrase = "the uneven padding on the wrong side"
        fix = "start the crop at p_before"
        yield mistake("X12", phrase, fix, crop=lambda _, a, t: _at(a.after, a))
