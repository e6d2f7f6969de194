"""The catalogue for dW of a convolution: rows W1 to W9, and the options' X10 to X12."""

from __future__ import annotations

from itertools import chain, combinations, permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.channels import deinterleaved, interleaved, spread_over
from convgrad_cli.check.mistake_of import AXIS_NAMES, mistake
from convgrad_cli.check.recipes import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import Axis, ConvGeometry

#: So many samples are tried one by one for W3; of a larger batch only the first and the last.
SAMPLES_TRIED = 16


def weight_mistakes(geometry: ConvGeometry) -> list[Mistake]:
    """Every reading of every row that this geometry has room for."""
    makers = (
        _rotated,
        _means,
        _one_sample,
        _not_padded,
        _not_dilated,
        _not_cropped,
        _groups,
        _orders,
        _sums,
        _exchanged_options,
    )
    return list(chain.from_iterable(maker(geometry) for maker in makers))


def _rotated(geometry: ConvGeometry) -> Iterator[Mistake]:
    long = tuple(j + 2 for j, axis in enumerate(geometry.axes) if axis.kernel > 1)
    if long:
        phrase = "the result rotated by 180° (the arguments of the correlation exchanged)"
        fix = "slide dY over the padded X, not X over dY; do not rotate"
        yield mistake("W1", phrase, fix, flip=long)


def _means(geometry: ConvGeometry) -> Iterator[Mistake]:
    places = int(np.prod(geometry.output_size))
    kinds = (
        ("batch", geometry.batch),
        ("positions", places),
        ("batch and positions", geometry.batch * places),
    )
    seen = {1}
    for what, count in kinds:
        if count not in seen:
            seen.add(count)
            phrase = f"the mean over the {what} instead of the sum (1/{count})"
            fix = "sum: the loss's own 1/N is already in dY"
            yield mistake("W2", phrase, fix, scale=1.0 / count)


def _one_sample(geometry: ConvGeometry) -> Iterator[Mistake]:
    batch = geometry.batch
    if batch == 1:
        return
    tried = range(batch) if batch <= SAMPLES_TRIED else (0, batch - 1)
    for n in tried:
        word = {0: "first", batch - 1: "last"}.get(n)
        which = f"the {word} sample" if word else f"sample {n}"
        fix = "add up over the batch: dW += for every sample"
        common = word is not None
        yield mistake("W3", f"{which} only", fix, common=common, sample=n)


def _not_padded(geometry: ConvGeometry) -> Iterator[Mistake]:
    if not any(axis.before or axis.after for axis in geometry.axes):
        return
    fix = "correlate dY with the padded X of the forward pass"
    zero = (0,) * geometry.dims
    if any(axis.before for axis in geometry.axes):
        phrase = "X not padded (windows that run off its end see 0)"
        yield mistake("W4", phrase, fix, offset=zero)

    def shorter(_: int, axis: Axis) -> Span:
        count = (axis.size - axis.stride * (axis.output - 1) - 1) // axis.dilation + 1
        return Span(0, count, count)

    yield mistake(
        "W4", "X not padded, the result too small for it", fix, offset=zero, count=shorter
    )


def _not_dilated(geometry: ConvGeometry) -> Iterator[Mistake]:
    if all(axis.stride == 1 or axis.output == 1 for axis in geometry.axes):
        return
    fix = "put stride − 1 zeros between the entries of dY before the correlation"
    once = (1,) * geometry.dims

    def natural(_: int, axis: Axis) -> Span:
        count = (axis.padded - axis.output) // axis.dilation + 1
        return Span(0, count, count)

    yield mistake("W5", "dY not dilated by the stride", fix, step=once)
    phrase = "dY not dilated by the stride, the result too large for it"
    yield mistake("W5", phrase, fix, step=once, count=natural)


def _not_cropped(geometry: ConvGeometry) -> Iterator[Mistake]:
    fix = "keep the first k rows and columns: dW[..., :kH, :kW]"

    def room(axis: Axis, spacing: int) -> int:
        return (axis.padded - axis.stride * (axis.output - 1) - 1) // spacing + 1

    def whole(_: int, axis: Axis) -> Span:
        return Span(0, room(axis, axis.dilation), room(axis, axis.dilation))

    def last(_: int, axis: Axis) -> Span:
        return Span(room(axis, axis.dilation) - axis.kernel, axis.kernel, axis.kernel)

    if any(room(axis, axis.dilation) > axis.kernel for axis in geometry.axes):
        phrase = "the rows too many that the stride leaves over not cropped"
        yield mistake("W6", phrase, fix, count=whole)
        phrase = "the first rows cropped where the stride leaves too many, not the last"
        yield mistake("W6", phrase, fix, count=last)
    if any(axis.dilation > 1 and axis.kernel > 1 for axis in geometry.axes):
        once = (1,) * geometry.dims
        fix = "with dilation d take every d-th output of the correlation: [..., ::d, ::d]"
        phrase = "the outputs between the dilated filter's places kept"

        def dense(_: int, axis: Axis) -> Span:
            return Span(0, room(axis, 1), room(axis, 1))

        yield mistake(
            "W6", f"{phrase}, the result too large for it", fix, spacing=once, count=dense
        )
        yield mistake("W6", f"{phrase} and cut to [:k] (the dilation ignored)", fix, spacing=once)


def _groups(geometry: ConvGeometry) -> Iterator[Mistake]:
    groups, channels = geometry.groups, geometry.channels_per_group
    if groups == 1:
        return
    fix = "split the channels as X.reshape(N, G, C/G, ...) and transpose; never reshape N into G"

    def mixed(array: Array) -> Array:
        shape = array.shape
        raw = array.reshape(groups, shape[0], shape[1] // groups, *shape[2:])
        return raw.swapaxes(0, 1).reshape(shape)

    if geometry.batch > 1:
        yield mistake("W7", "batch and group axes of X reshaped wrongly", fix, inputs=mixed)
        yield mistake("W7", "batch and group axes of dY reshaped wrongly", fix, upstream=mixed)
        phrase = "batch and group axes of X and dY reshaped wrongly"
        yield mistake("W7", phrase, fix, inputs=mixed, upstream=mixed)
    fix = "group g joins in-channels [g·C/G, (g+1)·C/G) with filters [g·K/G, (g+1)·K/G)"
    phrase = "the groups ignored: every filter with every in-channel"
    yield mistake("W7", phrase, fix, groups=1)
    phrase = "every filter given the first group's in-channels"
    yield mistake("W7", phrase, fix, groups=1, output=lambda dW: dW[:, :channels])
    for name, stage, size in (
        ("in-channels of X", "inputs", channels),
        ("out-channels of dY", "upstream", geometry.filters_per_group),
    ):
        phrase = f"the {name} dealt to the groups in turn instead of in blocks"
        for deal in (interleaved, deinterleaved) if size > 1 else ():
            change = {stage: lambda array, deal=deal: deal(array, 1, groups)}
            yield mistake("W7", phrase, fix, **change)  # type: ignore[arg-type]


def _orders(geometry: ConvGeometry) -> Iterator[Mistake]:
    shape = geometry.filter_shape
    letters = ("K", "C", *AXIS_LETTERS[geometry.dims])
    fix = "bring the axes back into the filter's own order with transpose, not reshape"
    long = {axis for axis, size in enumerate(shape) if size > 1}
    for order in permutations(range(len(shape))):
        kept = [axis for axis in order if axis in long]
        if kept == sorted(kept):
            continue
        spelled = ", ".join(letters[axis] for axis in order)
        swap = sum(place != axis for place, axis in enumerate(order)) == 2
        phrase = f"the axes in the order ({spelled})"
        yield mistake("W8", phrase, fix, common=swap, order=_transposed(order))
        phrase = f"axes in the order ({spelled}) reshaped to the filter's shape"
        yield mistake("W8", phrase, fix, common=swap, order=_reshaped(order, shape))
        phrase = f"the numbers read as ({spelled}) and transposed back"
        yield mistake("W8", phrase, fix, common=False, order=_misread(order, shape))


AXIS_LETTERS = {1: ("k",), 2: ("kH", "kW"), 3: ("kD", "kH", "kW")}


def _transposed(order: Sequence[int]) -> Any:
    return lambda dW: dW.transpose(order)


def _reshaped(order: Sequence[int], shape: Sequence[int]) -> Any:
    return lambda dW: dW.transpose(order).reshape(dW.shape)


def _misread(order: Sequence[int], shape: Sequence[int]) -> Any:
    back = np.argsort(order)
    return lambda dW: dW.reshape([dW.shape[axis] for axis in order]).transpose(back)


def _sums(geometry: ConvGeometry) -> Iterator[Mistake]:
    groups, channels = geometry.groups, geometry.channels_per_group
    fix = "dW[o, c] belongs to one in-channel: no sum over c (einsum 'noij,nchw->oc...')"
    if channels > 1:
        phrase = "a sum over the in-channels too many"
        yield mistake("W9", phrase, fix, output=lambda dW: spread_over(dW, 1))
        phrase = "a sum over the in-channels too many, their axis left with size 1"
        yield mistake("W9", phrase, fix, output=lambda dW: dW.sum(1, keepdims=True))
        phrase = "a mean over the in-channels"
        yield mistake("W9", phrase, fix, output=lambda dW: spread_over(dW, 1) / channels)
        phrase = "the first in-channel of X used for all of them"
        yield mistake("W9", phrase, fix, output=lambda dW: np.repeat(dW[:, :1], channels, 1))
    if geometry.filters_per_group > 1:
        phrase = "dY summed over the out-channels"
        fix = "dW[o] belongs to dY[:, o] alone: no sum over o"
        yield mistake("W9", phrase, fix, upstream=lambda dY: spread_over(dY, 1, groups))


def _exchanged_options(geometry: ConvGeometry) -> Iterator[Mistake]:
    names = AXIS_NAMES[geometry.dims]
    for a, b in combinations(range(geometry.dims), 2):
        for what, option, values in (
            ("strides", "step", geometry.stride),
            ("paddings", "offset", tuple(axis.before for axis in geometry.axes)),
        ):
            if values[a] != values[b]:
                swapped = list(values)
                swapped[a], swapped[b] = values[b], values[a]
                phrase = f"the {what} of {names[a]} and {names[b]} exchanged"
                fix = "keep the order of the spatial axes"
                yield mistake("X10", phrase, fix, **{option: tuple(swapped)})  # type: ignore[arg-type]
        if geometry.kernel[a] != geometry.kernel[b] or geometry.kernel[a] > 1:
            phrase = f"{names[a]} and {names[b]} of the result exchanged"
            fix = "keep the order of the spatial axes"
            swap = _transposed(_swap_order(geometry.dims + 2, a + 2, b + 2))
            yield mistake("X10", phrase, fix, order=swap)
    if geometry.stride != geometry.dilation:
        fix = "the stride moves the window, the dilation spreads the filter"
        phrase = "stride and dilation exchanged"
        yield mistake("X11", phrase, fix, step=geometry.dilation, spacing=geometry.stride)
    if any(axis.before != axis.after for axis in geometry.axes):
        after = tuple(axis.after for axis in geometry.axes)
        phrase = "the uneven padding on the wrong side"
        yield mistake("X12", phrase, "pad p_before before and p_after after", offset=after)


def _swap_order(ndim: int, i: int, j: int) -> list[int]:
    order = list(range(ndim))
    order[i], order[j] = j, i
    return order
