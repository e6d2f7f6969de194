"""A filter in the order of a stack's rows, and back.

m is (groups, v channels, u channels, *kernel), either as W lies in memory or with its two channel
axes exchanged. The rows of a stack are (tap, u channel), of a whole one (u channel, tap). Of the
two ways to store the result, transposed or not, the one is taken that moves the least memory; the
matrix product reads either.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.workers import share_out, shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.layers.kernels.stack import Group
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array


def arranged(m: Array, group: Group, *, whole: bool) -> Array:
    """m at the group's taps: (groups, v channels, rows)."""
    groups, filters, channels = m.shape[:3]
    exchanged = m.strides[1] < m.strides[2]
    if whole and not exchanged and _every(group, m):
        return m.reshape(groups, filters, -1)
    order = (channels, len(group.taps)) if whole else (len(group.taps), channels)
    if exchanged:
        rows = np.moveaxis(np.empty((groups, *order, filters), m.dtype), -1, 1)
    else:
        rows = np.empty((groups, filters, *order), m.dtype)
    by_tap = rows.swapaxes(2, 3) if whole else rows

    def copy(some: slice, _worker: int, _scratch: Scratch) -> None:
        for of_filter, of_rows in _pairs(m, by_tap, group, some, whole=whole):
            of_rows[...] = of_filter

    share_out(copy, shares(channels, m.size))
    return rows.reshape(groups, filters, -1)


def put_back(dm: Array, totals: list[Array], group: Group, *, whole: bool) -> None:
    """dm[..., tap] = the rows of the totals (groups, rows, v channels), added up, that belong to
    it. The first total is used up."""
    groups, filters, channels = dm.shape[:3]
    order = (channels, len(group.taps)) if whole else (len(group.taps), channels)
    rows = [np.moveaxis(total.reshape(groups, *order, filters), -1, 1) for total in totals]
    first, *others = (total.swapaxes(2, 3) if whole else total for total in rows)

    def copy(some: slice, _worker: int, _scratch: Scratch) -> None:
        for other in others:
            first[..., some] += other[..., some]
        for of_filter, of_rows in _pairs(dm, first, group, some, whole=whole):
            of_filter[...] = of_rows

    share_out(copy, shares(channels, dm.size))


def _pairs(
    m: Array, by_tap: Array, group: Group, some: slice, *, whole: bool
) -> Iterator[tuple[Array, Array]]:
    """The parts of m and of (groups, v channels, taps, u channels) that are the same numbers."""
    if whole and _every(group, m):
        yield m.reshape(*m.shape[:3], -1).swapaxes(2, 3)[..., some], by_tap[..., some]
        return
    for row, tap in enumerate(group.taps):
        yield m[at(slice(None), slice(None), some, *tap)], by_tap[:, :, row, some]


def _every(group: Group, m: Array) -> bool:
    """Whether the group holds the whole kernel (in its own order, as whole stacks do)."""
    return len(group.taps) == prod(m.shape[3:])
