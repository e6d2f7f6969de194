"""The stack: shifted copies of u laid under each other, so that a convolution is a matrix product.

    v[y] = sum over taps t, channels c of m[t,c] * u[c, y + shift(t)]

A row of the stack S is one (tap, channel): S[(t,c), y] = u[c, y + shift(t)]; then v = m @ S, and
the sum over y of u v, which is dW, is S @ v^T.

*Row shift.* A tap that differs from another only by whole rows (axis 0) needs no copy of its own:
the columns of S run through rows of one length, so it is the same matrix read from a later column
on. Only the taps along the other axes are copied, once, for u seen at its first row; each further
filter row is a *group*, a view of the same stack ``later`` rows on. The copies are 1/k of
im2col's, and no product is ever scattered.

Where that leaves the stack too few rows for a good matrix product (one dimension, few channels)
it holds several filter rows; where planes are small it holds all of them (``whole``), so that
several images can lie side by side in one product.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.kernels.lines import Line

    Step = tuple[int, int]

Place = tuple[int, ...]

# Inner dimension from which a matrix product runs at full speed.
ENOUGH_ROWS = 128


class View(NamedTuple):
    """Where one tap reads u: ``y * step + offset`` along each axis."""

    tap: Place
    offset: Place


class Group(NamedTuple):
    """One matrix product: the stack seen ``later`` rows on meets these filter positions."""

    later: int
    taps: tuple[Place, ...]


class Stack(NamedTuple):
    """The copies to make, and the products to form with them.

    Rows are ordered (tap, channel), so that a last group may take fewer taps; a ``whole`` stack's
    are (channel, tap), which is the filter's own order in memory.
    """

    views: tuple[View, ...]
    groups: tuple[Group, ...]
    whole: bool

    @property
    def halo(self) -> int:
        """Rows beyond the piece that the last group reads."""
        return self.groups[-1].later


@lru_cache(maxsize=256)
def plan_stacks(
    lines: tuple[Line, ...], channels: int, *, narrow: bool, enough: int
) -> tuple[Stack, ...]:
    """The stacks that together hold every tap once, of at least ``enough`` rows where the taps
    allow; ``narrow`` planes want a whole one."""
    first, *near = lines
    others = list(product(*(tuple(zip(n.taps, n.offsets, strict=True)) for n in near)))
    rows = list(zip(first.taps, first.offsets, strict=True))
    depth = -(-enough // (len(others) * channels))
    if narrow or 2 * depth > len(rows) or _mostly_halo(first):
        views = sorted(_views(rows, others))
        return (Stack(tuple(views), (_group(0, views),), whole=True),)
    stacks = []
    for residue in sorted({offset % first.step for offset in first.offsets}):
        own = [row for row in rows if row[1] % first.step == residue]
        chunks = _even_parts(own, max(1, len(own) // depth))
        groups = tuple(
            _group((chunk[0][1] - own[0][1]) // first.step, _views(chunk, others))
            for chunk in chunks
        )
        stacks.append(Stack(tuple(_views(chunks[0], others)), groups, whole=False))
    return tuple(stacks)


def _even_parts(rows: list[Step], parts: int) -> list[list[Step]]:
    """The rows in order, in parts of almost one length, the longest first."""
    ends = [-(-len(rows) * part // parts) for part in range(parts + 1)]
    return [rows[a:b] for a, b in pairwise(ends)]


def _mostly_halo(first: Line) -> bool:
    """Whether row shift would copy more rows beyond a plane than it saves (long dilations)."""
    span = (first.offsets[-1] - first.offsets[0]) // first.step
    return span > first.out * (len(first.taps) - 1)


def _views(rows: Sequence[Step], others: Sequence[tuple[Step, ...]]) -> list[View]:
    """Every row tap with every tap of the other axes."""
    taps = [(row, *other) for row in rows for other in others]
    return [View(tuple(t for t, _ in tap), tuple(o for _, o in tap)) for tap in taps]


def _group(later: int, views: Sequence[View]) -> Group:
    return Group(later, tuple(view.tap for view in views))
