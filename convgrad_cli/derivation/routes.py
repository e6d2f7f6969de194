"""dX and dW seen as convolutions: the dilated, padded, flipped and cropped arrays themselves.

    dX = correlate(pad(dilate(dY, s)), rot180(W)) at dilation d
         padding  d(k-1) - p_before  before,  d(k-1) - p_after + r  after;  negative amounts crop
    dW = correlate(pad(X), dilate(dY, s)), every d-th output, the first k kept

r counts the leftover rows. The lectures' recipe (dilate, pad by k-1, flip, convolve) is the case
p = 0, d = 1, r = 0 (slides, recitation; Diba eq. 15, 24 to 29). This route goes by the recipe and
not by the taps, so that :mod:`.agreement` compares two derivations of the same terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.geometry import Axis, ConvGeometry

Sources: TypeAlias = "Callable[[Index], Index | None]"
"""What of an array stands at a place, or None for a zero."""


@dataclass(frozen=True)
class Stretched:
    """One axis of an array that was dilated, then padded (a negative amount crops)."""

    size: int
    step: int = 1
    before: int = 0
    after: int = 0

    @property
    def length(self) -> int:
        """Positions after dilating and padding."""
        return self.step * (self.size - 1) + 1 + self.before + self.after

    def source(self, position: int) -> int | None:
        """What stands at a position: a place of the original axis, or None for a zero."""
        place, between = divmod(position - self.before, self.step)
        return place if between == 0 and 0 <= place < self.size else None


@dataclass(frozen=True)
class Map:
    """An array's plane after dilating and padding: per-axis maps back to the original."""

    axes: tuple[Stretched, ...]

    @property
    def shape(self) -> Index:
        """Its size per axis."""
        return tuple(axis.length for axis in self.axes)

    def source(self, place: Index) -> Index | None:
        """The original place that stands at ``place``, or None for a zero."""
        found = [axis.source(at) for axis, at in zip(self.axes, place, strict=True)]
        return None if None in found else tuple(at for at in found if at is not None)


def dilated_upstream(axes: tuple[Axis, ...]) -> Map:
    """dY with s-1 zeros between its entries."""
    return Map(tuple(Stretched(axis.output, axis.stride) for axis in axes))


def padded_upstream(axes: tuple[Axis, ...]) -> Map:
    """The dilated dY, padded (or cropped) for the full convolution that yields dX."""
    return Map(tuple(Stretched(axis.output, axis.stride, *axis.full_padding) for axis in axes))


def padded_input(axes: tuple[Axis, ...]) -> Map:
    """X with its zero padding."""
    return Map(tuple(Stretched(axis.size, 1, axis.before, axis.after) for axis in axes))


def flipped(axes: tuple[Axis, ...], place: Index) -> Index:
    """The place of W that stands at ``place`` of W rotated by 180°."""
    return tuple(axis.kernel - 1 - at for axis, at in zip(axes, place, strict=True))


def input_route(geometry: ConvGeometry, index: Index) -> Iterator[tuple[Index, Index]]:
    """The (dY, W) pairs that the full convolution multiplies for dX[index]."""
    n, channel, *place = index
    group, c = divmod(channel, geometry.channels_per_group)
    padded = padded_upstream(geometry.axes)
    first = group * geometry.filters_per_group
    for o in range(first, first + geometry.filters_per_group):
        for at in product(*map(range, geometry.kernel)):
            window = [
                x + p * axis.dilation for x, p, axis in zip(place, at, geometry.axes, strict=True)
            ]
            source = padded.source(tuple(window))
            if source is not None:
                yield (n, o, *source), (o, c, *flipped(geometry.axes, at))


def weight_route(geometry: ConvGeometry, index: Index) -> Iterator[tuple[Index, Index]]:
    """The (dY, X) pairs that the correlation with the dilated dY multiplies for dW[index]."""
    o, c, *place = index
    channel = o // geometry.filters_per_group * geometry.channels_per_group + c
    image, kernel = padded_input(geometry.axes), dilated_upstream(geometry.axes)
    for n in range(geometry.batch):
        for at in product(*map(range, kernel.shape)):
            window = [
                p * axis.dilation + u for p, u, axis in zip(place, at, geometry.axes, strict=True)
            ]
            upstream, source = kernel.source(at), image.source(tuple(window))
            if upstream is not None and source is not None:
                yield (n, o, *upstream), (n, channel, *source)


def forward_route(geometry: ConvGeometry, index: Index) -> Iterator[tuple[Index, Index]]:
    """The (X, W) pairs that sliding W over the padded X multiplies for Y[index]."""
    n, o, *place = index
    first = o // geometry.filters_per_group * geometry.channels_per_group
    image = padded_input(geometry.axes)
    for c in range(geometry.channels_per_group):
        for at in product(*map(range, geometry.kernel)):
            window = [
                i * axis.stride + p * axis.dilation
                for i, p, axis in zip(place, at, geometry.axes, strict=True)
            ]
            source = image.source(tuple(window))
            if source is not None:
                yield (n, first + c, *source), (o, c, *at)
