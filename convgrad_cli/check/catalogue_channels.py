"""The catalogue for dX, its channel half: rows X3, X4, X13 and F2."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check.channels import (
    deinterleaved,
    interleaved,
    layout_readings,
    spread_over,
)
from convgrad_cli.check.mistake_of import mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import ConvGeometry


def channel_mistakes(geometry: ConvGeometry) -> list[Mistake]:
    """Every reading of the rows on channels and groups."""
    makers = (_channel_flips, _contractions, _groups, _layouts)
    return list(chain.from_iterable(maker(geometry) for maker in makers))


def _channel_flips(geometry: ConvGeometry) -> Iterator[Mistake]:
    fix = "flip the spatial axes alone: np.flip(W, axis=(2, ...)), not np.flip(W)"
    both = "in- and out-channel axes of the filter flipped as well"
    if geometry.channels_per_group > 1:
        phrase = "the in-channel axis of the filter flipped as well"
        yield mistake("X3", phrase, fix, filters=lambda W: W[:, ::-1])
    if geometry.out_channels > 1:
        phrase = "the out-channel axis of the filter flipped as well"
        yield mistake("X3", phrase, fix, filters=lambda W: W[::-1])
    if geometry.channels_per_group > 1 and geometry.out_channels > 1:
        yield mistake("X3", both, fix, filters=lambda W: W[::-1, ::-1])


def _contractions(geometry: ConvGeometry) -> Iterator[Mistake]:
    groups, filters = geometry.groups, geometry.filters_per_group
    channels = geometry.channels_per_group
    fix = "sum over the out-channels: dX[n, c] = Σ_o full_conv(dY[n, o], W[o, c])"
    if filters == channels > 1:
        phrase = "in- and out-channels of the filter exchanged"

        def exchanged(W: Array) -> Array:
            blocks = W.reshape(groups, filters, *W.shape[1:])
            return blocks.swapaxes(1, 2).reshape(W.shape)

        yield mistake("X4", phrase, fix, filters=exchanged)
    elif groups == 1 and filters > 1 and channels > 1:
        phrase = "the filter's channel axes reshaped where they should be transposed"

        def reshaped(W: Array) -> Array:
            return W.reshape(channels, filters, *W.shape[2:]).swapaxes(0, 1)

        yield mistake("X4", phrase, "use W.transpose(1, 0, ...), not reshape", filters=reshaped)
    if channels > 1:
        phrase = "the filter summed over its in-channels too"
        yield mistake("X4", phrase, fix, filters=lambda W: spread_over(W, 1))
    if filters > 1:
        phrase = "dY summed over the out-channels before it meets the filter"
        yield mistake("X4", phrase, fix, upstream=lambda dY: spread_over(dY, 1, groups))
        phrase = "the first filter's contribution only"
        first = slice(None, None, filters)
        yield mistake("X4", phrase, fix, upstream=lambda dY: only(dY, first))


def only(array: Array, kept: slice) -> Array:
    result = np.zeros_like(array)
    result[:, kept] = array[:, kept]
    return result


def _groups(geometry: ConvGeometry) -> Iterator[Mistake]:
    groups = geometry.groups
    if groups == 1:
        return
    fix = "group g joins in-channels [g·C/G, (g+1)·C/G) with filters [g·K/G, (g+1)·K/G)"
    phrase = "the groups ignored: each filter spread over every group's channels"
    yield mistake("X13", phrase, fix, output=lambda out: spread_over(out, 1, groups, inner=True))
    phrase = "the groups ignored: as many channels as one group has"
    yield mistake("X13", phrase, fix, groups=1)
    if geometry.out_channels > groups or geometry.channels_per_group > 0:
        phrase = "the first group's filters used for every group"
        size = geometry.filters_per_group
        yield mistake("X13", phrase, fix, filters=lambda W: np.concatenate([W[:size]] * groups))
    if geometry.channels_per_group > 1:
        phrase = "the in-channels dealt to the groups in turn instead of in blocks"
        yield mistake("X13", phrase, fix, output=lambda out: interleaved(out, 1, groups))
        yield mistake(
            "X13", phrase, fix, common=False, output=lambda out: deinterleaved(out, 1, groups)
        )
    if geometry.filters_per_group > 1:
        phrase = "the out-channels of dY dealt to the groups in turn instead of in blocks"
        yield mistake("X13", phrase, fix, upstream=lambda dY: interleaved(dY, 1, groups))
        yield mistake("X13", phrase, fix, upstream=lambda dY: deinterleaved(dY, 1, groups))
        phrase = "the filters dealt to the groups in turn instead of in blocks"
        yield mistake("X13", phrase, fix, filters=lambda W: interleaved(W, 0, groups))
        yield mistake("X13", phrase, fix, filters=lambda W: deinterleaved(W, 0, groups))


def _layouts(geometry: ConvGeometry) -> Iterator[Mistake]:
    for name, reading in layout_readings(geometry.filter_shape):
        phrase = f"the filter's numbers read as {name}"
        fix = "transpose the filter to (K, C/groups, ...) first (--filter-layout names its layout)"
        yield mistake("F2", phrase, fix, common=False, filters=reading)
