"""Filling a stack: copies of u, each as one tap sees it, zeros where it looks beyond the edge."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.layers.kernels.index import at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.kernels.lines import Line
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array


# Views of each interleaved line from which it is worth a contiguous copy of its own.
MANY_VIEWS = 4


def fill(stack: Stack, lines: Sequence[Line], U: Array, piece: Piece, scratch: Scratch) -> Array:
    """The stack of a piece: U (N, groups, channels, *in) -> (groups, rows, columns).

    With one tap that stays inside u there is nothing to copy: the stack is u itself.
    """
    steps = [line.step for line in lines]
    size = (piece.size[0] + stack.halo, *piece.size[1:])
    u = U[piece.images, piece.groups].transpose(1, 2, 0, *range(3, U.ndim))
    origin = [a * step for a, step in zip(piece.start, steps, strict=True)]
    starts = [[a + o for a, o in zip(origin, view.offset, strict=True)] for view in stack.views]
    if len(starts) == 1 and (seen := _inside(u.shape[3:], starts[0], steps, size)):
        direct: Array = u[seen]
        return direct.reshape(*u.shape[:2], -1)
    groups, channels, images = u.shape[:3]
    order = (channels, len(starts)) if stack.whole else (len(starts), channels)
    shape = (groups, len(starts) * channels, images * prod(size))
    S = scratch.matrices("stack", shape, U.dtype)
    rows = S.reshape(groups, *order, images, *size)
    by_tap = rows.swapaxes(1, 2) if stack.whole else rows
    if steps[-1] > 1 and len(starts) >= MANY_VIEWS * steps[-1]:
        _copy_at_once(by_tap, u, starts, steps, scratch)
        return S
    copy = _copy_flat if _flat(u, size, steps) else _copy
    for row, start in enumerate(starts):
        copy(by_tap[:, row], u, start, steps)
    return S


def _copy_at_once(
    by_tap: Array, u: Array, starts: list[list[int]], steps: Sequence[int], scratch: Scratch
) -> None:
    """All taps in a copy or two, from lines that were taken apart before.

    Along the last axis y*step + start = (y + start // step) * step + start % step, which is
    position y + start // step of line start % step. A line is laid out once, with the zeros around
    it; the taps that read it are one strided view of it, each a dilation further than the last
    (only a forward correlation has a step, and there they are).
    """
    dims, size = len(steps), by_tap.shape[-len(steps) :]
    along = [list(dict.fromkeys(axis)) for axis in zip(*starts, strict=True)]
    grid = by_tap.reshape(len(by_tap), *map(len, along), *by_tap.shape[2:])
    grid = np.moveaxis(grid, dims + 1, 1)
    step = steps[-1]
    for r in {start % step for start in along[-1]}:
        index = [i for i, start in enumerate(along[-1]) if start % step == r]
        axes = [*along[:-1], [along[-1][i] // step for i in index]]
        strides = [*steps[:-1], 1]
        low = [min(axis) for axis in axes]
        room = [
            max(axis) - min(axis) + (n - 1) * by + 1
            for axis, n, by in zip(axes, size, strides, strict=True)
        ]
        line = scratch.take("line", (*u.shape[:3], *room), u.dtype)
        _copy(line, u, [*low[:-1], low[-1] * step + r], [1] * (dims - 1) + [step])
        some = slice(index[0], index[-1] + 1, max(1, index[1] - index[0]) if index[1:] else 1)
        grid[at(..., some, *(slice(None),) * (dims + 1))] = _views(line, axes, size, strides)


def _views(
    line: Array, axes: Sequence[Sequence[int]], size: Sequence[int], steps: Sequence[int]
) -> Array:
    """line (groups, channels, images, *room) as (groups, channels, *taps, images, *size)."""
    spatial = line.strides[3:]
    first = at(..., *(slice(axis[0] - min(axis), None) for axis in axes))
    apart = [axis[1] - axis[0] if axis[1:] else 0 for axis in axes]
    return np.lib.stride_tricks.as_strided(
        line[first],
        (*line.shape[:2], *map(len, axes), line.shape[2], *size),
        (
            *line.strides[:2],
            *(stride * gap for stride, gap in zip(spatial, apart, strict=True)),
            line.strides[2],
            *(stride * step for stride, step in zip(spatial, steps, strict=True)),
        ),
    )


def _inside(
    u_size: Sequence[int], start: Sequence[int], steps: Sequence[int], size: Sequence[int]
) -> Any:
    """The index of what one tap reads, if it reads no zeros."""
    along = []
    for total, first, step, length in zip(u_size, start, steps, size, strict=True):
        stop = first + (length - 1) * step + 1
        if first < 0 or stop > total:
            return None
        along.append(slice(first, stop, step))
    return at(..., *along)


def _copy(target: Array, u: Array, start: Sequence[int], steps: Sequence[int]) -> None:
    """target[..., y] = u[..., y * step + start], zero where that lies outside u."""
    inner: list[slice] = []
    source: list[slice] = []
    dims = len(steps)
    for axis, (first, step) in enumerate(zip(start, steps, strict=True)):
        length, total = target.shape[axis - dims], u.shape[axis - dims]
        a = min(max(0, -(first // step)), length)
        b = max(a, min(length, -((first - total) // step)))
        for edge in (slice(0, a), slice(b, length)):
            if edge.start < edge.stop:
                target[at(..., *inner, edge, *(slice(None),) * (dims - 1 - axis))] = 0
        inner.append(slice(a, b))
        source.append(slice(a * step + first, (b - 1) * step + first + 1 if b > a else 0, step))
    target[at(..., *inner)] = u[at(..., *source)]


def _flat(u: Array, size: Sequence[int], steps: Sequence[int]) -> bool:
    """Whether a tap is one shift of u's memory: whole rows, step 1, as long as the piece's."""
    space = u.shape[3:]
    if set(steps) != {1} or tuple(space[1:]) != tuple(size[1:]):
        return False
    strides = [u.itemsize * prod(space[axis + 1 :]) for axis in range(len(space))]
    return u.strides[3:] == tuple(strides)


def _copy_flat(target: Array, u: Array, start: Sequence[int], steps: Sequence[int]) -> None:
    """The same for a step of 1, as one shift of the memory instead of row by row.

    Position i of the flattened piece reads position i + shift of the flattened u. What thereby
    wraps around the end of a row lies where the tap looks beyond that row, and is zeroed.
    """
    dims = len(steps)
    space = target.shape[-dims:]
    shift = 0
    for first, length in zip(start, (1, *space[1:]), strict=True):
        shift = shift * length + first
    flat = target.reshape(*target.shape[:-dims], -1)
    line = u.reshape(*u.shape[:-dims], -1)
    a = min(max(0, -shift), flat.shape[-1])
    b = max(a, min(flat.shape[-1], line.shape[-1] - shift))
    flat[..., :a] = 0
    flat[..., b:] = 0
    flat[..., a:b] = line[..., a + shift : b + shift]
    for axis in range(1, dims):
        wrapped = _wrapped(start[axis], space[axis])
        if wrapped is not None:
            target[at(..., wrapped, *(slice(None),) * (dims - 1 - axis))] = 0


def _wrapped(first: int, length: int) -> slice | None:
    """The positions of an axis from which a shift by ``first`` leaves it."""
    if first == 0:
        return None
    return slice(0, min(length, -first)) if first < 0 else slice(max(0, length - first), length)
