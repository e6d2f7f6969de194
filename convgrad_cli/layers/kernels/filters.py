"""A filter in the order of a stack's rows, and back.

m is (groups, v channels, u channels, *kernel), either as W lies in memory or with its two channel
axes exchanged. The rows of a stack are (tap, u channel), of a whole one (u channel, tap). Of the
two ways to store the result, transposed or not, the one is taken that moves the least memory; the
matrix product reads either.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.workers import share_out, shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.layers.kernels.stack import Group, Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array


class Sums(NamedTuple):
    """What belongs to some groups of dm: the totals (groups, rows, v channels) of every worker."""

    dm: Array
    totals: list[Array]
    group: Group
    whole: bool


def arranged(m: Array, stacks: Sequence[Stack]) -> dict[Group, Array]:
    """m at the taps of each group: (groups, v channels, rows)."""
    groups, filters, channels = m.shape[:3]
    exchanged = m.strides[1] < m.strides[2]
    found, copies = {}, []
    for group, whole in ((group, stack.whole) for stack in stacks for group in stack.groups):
        if whole and not exchanged and _every(group, m):
            found[group] = m.reshape(groups, filters, -1)
            continue
        order = _order(group, channels, whole=whole)
        if exchanged:
            rows = np.moveaxis(np.empty((groups, *order, filters), m.dtype), -1, 1)
        else:
            rows = np.empty((groups, filters, *order), m.dtype)
        copies.append((rows.swapaxes(2, 3) if whole else rows, group, whole))
        found[group] = rows.reshape(groups, filters, -1)

    def copy(some: slice, _worker: int, _scratch: Scratch) -> None:
        for by_tap, group, whole in copies:
            for of_filter, of_rows in _pairs(m, by_tap, group, some, whole=whole):
                of_rows[...] = of_filter

    if copies:
        share_out(copy, shares(channels, m.size))
    return found


def put_back(parts: Sequence[Sums]) -> None:
    """dm[..., tap] = the rows of the totals, added up, that belong to it. The first total of each
    is used up."""

    def copy(some: slice, _worker: int, _scratch: Scratch) -> None:
        for dm, totals, group, whole in parts:
            groups, filters, channels = dm.shape[:3]
            order = _order(group, channels, whole=whole)
            rows = [np.moveaxis(total.reshape(groups, *order, filters), -1, 1) for total in totals]
            first, *others = (total.swapaxes(2, 3) if whole else total for total in rows)
            for other in others:
                first[..., some] += other[..., some]
            for of_filter, of_rows in _pairs(dm, first, group, some, whole=whole):
                of_filter[...] = of_rows

    share_out(copy, shares(parts[0].dm.shape[2], sum(part.totals[0].size for part in parts)))


def _order(group: Group, channels: int, *, whole: bool) -> tuple[int, int]:
    """How the rows of a stack are ordered."""
    return (channels, len(group.taps)) if whole else (len(group.taps), channels)


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
