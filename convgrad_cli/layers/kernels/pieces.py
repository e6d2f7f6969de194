"""Cutting a layer into pieces that fit the caches and occupy every core."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.workers import worker_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.kernels.stack import Place
    from convgrad_cli.layers.numbers import Array

# A matrix product with fewer columns is slow: planes smaller than this share one.
NARROW = 160


class Piece(NamedTuple):
    """Images, groups, and ``size`` positions of v from ``start`` on."""

    images: slice
    groups: slice
    start: Place
    size: Place

    @property
    def place(self) -> Any:
        """Into an array (N, groups, channels, *space)."""
        along = (slice(a, a + n) for a, n in zip(self.start, self.size, strict=True))
        return at(self.images, self.groups, slice(None), *along)

    @property
    def columns(self) -> int:
        """Columns of the piece as a matrix."""
        images: int = self.images.stop - self.images.start
        return images * prod(self.size)


def cut(
    images: int, groups: int, size: Sequence[int], columns: int, *, fold: bool = False
) -> list[Piece]:
    """Pieces of about ``columns`` columns over all groups together.

    Several images where planes are narrow (unless one image of all groups is too much), or with
    ``fold`` wherever they fit; else one image, whole planes of fewer groups where there are groups,
    whole rows where rows fit; and no worker left without a piece.
    """
    workers = worker_count()
    plane = prod(size)
    columns = max(1, columns)
    fits = groups == 1 or columns >= plane
    if fits and (plane < NARROW or (fold and columns >= 2 * plane)):
        some = max(1, min(-(-images // workers), columns // plane))
        return [
            Piece(slice(n, min(n + some, images)), slice(0, groups), (0,) * len(size), tuple(size))
            for n in range(0, images, some)
        ]
    if images % workers and images < 4 * workers:
        columns = min(columns, max(NARROW, plane * groups // workers))
    some = max(1, min(groups, columns * groups // plane))
    some = -(-groups // -(-groups // some))
    lengths = _lengths(size, columns * groups // some)
    corners = list(product(*(range(0, n, piece) for n, piece in zip(size, lengths, strict=True))))
    return [
        Piece(
            slice(n, n + 1),
            slice(g, min(g + some, groups)),
            corner,
            _clipped(corner, lengths, size),
        )
        for n in range(images)
        for g in range(0, groups, some)
        for corner in corners
    ]


def _lengths(size: Sequence[int], columns: int) -> list[int]:
    """A piece's length per axis: the last axes whole first, equal parts."""
    lengths: list[int] = []
    for length in reversed(size):
        part = min(length, max(1, columns))
        columns //= part
        lengths.insert(0, -(-length // -(-length // part)))
    return lengths


def _clipped(corner: Place, lengths: Sequence[int], size: Sequence[int]) -> Place:
    return tuple(min(n, total - a) for a, n, total in zip(corner, lengths, size, strict=True))


def channels_first(block: Array) -> Array:
    """(images, groups, channels, *space) as (groups, channels, images, *space)."""
    return block.transpose(1, 2, 0, *range(3, block.ndim))


def as_matrix(block: Array) -> Array:
    """(groups, channels, images, *space) as (groups, channels, columns); a view if it can be."""
    return block.reshape(*block.shape[:2], -1)


def mergeable(block: Array) -> bool:
    """Whether the columns of ``block`` lie evenly in memory, so that its matrix is a view."""
    long = [
        (n, stride) for n, stride in zip(block.shape[2:], block.strides[2:], strict=True) if n > 1
    ]
    return all(stride == n * inner for (_, stride), (n, inner) in pairwise(long))
