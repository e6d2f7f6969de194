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

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.stack import Group
    from convgrad_cli.layers.numbers import Array


def arranged(m: Array, group: Group, *, whole: bool) -> Array:
    """m at the group's taps: (groups, v channels, rows)."""
    groups, filters = m.shape[:2]
    exchanged = m.strides[1] < m.strides[2]
    kept = m.swapaxes(1, 2) if exchanged else m
    if whole and _every(group, m):
        taps = kept.reshape(*kept.shape[:3], -1)
    else:
        taps = np.stack([kept[at(..., *tap)] for tap in group.taps], axis=-1)
    if exchanged:
        # (groups, u channels, v channels, taps), of which v channels come last
        rows = taps.transpose(0, 1, 3, 2) if whole else taps.transpose(0, 3, 1, 2)
        return rows.reshape(groups, -1, filters).swapaxes(1, 2)
    return (taps if whole else taps.swapaxes(2, 3)).reshape(groups, filters, -1)


def put_back(dm: Array, total: Array, group: Group, *, whole: bool) -> None:
    """dm[..., tap] = the rows of ``total`` (groups, rows, v channels) that belong to it."""
    groups, filters, channels = dm.shape[:3]
    if whole and _every(group, dm):
        by_channel = total.reshape(groups, channels, *dm.shape[3:], filters)
        dm[...] = np.moveaxis(by_channel, -1, 1)
        return
    if whole:
        by_tap = total.reshape(groups, channels, -1, filters).swapaxes(1, 2)
    else:
        by_tap = total.reshape(groups, -1, channels, filters)
    for row, tap in enumerate(group.taps):
        dm[at(..., *tap)] = by_tap[:, row].swapaxes(1, 2)


def _every(group: Group, m: Array) -> bool:
    """Whether the group holds the whole kernel (in its own order, as whole stacks do)."""
    return len(group.taps) == prod(m.shape[3:])
