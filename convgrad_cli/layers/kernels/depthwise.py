"""Depthwise layers, and others of a channel or two: weighted sums of shifted rows.

With so few channels a matrix product has nothing to use twice: it takes as long as reading its
stack (see :mod:`convgrad_cli.layers.kernels.stack`). So the sum over the taps is made row by row,
one multiply-add over a row of the stack for each tap, while the row of the result stays in the
nearest cache. For each phase of v, with its taps t and filter rows g,

    v[c, y]      =  sum over (t,g,k) of m[c,t,k,g] * S[(t,k), y + later(g)]
    dm[c,t,k,g]  =  sum over y of v[c, y] * S[(t,k), y + later(g)]

NumPy's ``einsum`` is this loop: of the axes of S it takes y, which has the shortest step, as the
innermost, and adds to the result in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.layers.kernels.gather import fill
from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.lines import Woven
from convgrad_cli.layers.kernels.phases import Pass, columns_by_phase
from convgrad_cli.layers.kernels.pieces import NARROW, as_matrix, channels_first, cut, mergeable
from convgrad_cli.layers.kernels.stack import plan_stacks
from convgrad_cli.layers.kernels.workers import share_out, worker_count

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.lines import Line, Phase
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Place, Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# The stack of a piece, or its phases, of which a large stride has many: few and large steps, since
# each is a turn of the lock that threads share.
PIECE_BYTES = 8 * 2**20


class Block(NamedTuple):
    """What a phase meets of a stack: views, filter rows, and the filter position at each pair."""

    phase: int
    views: slice
    rows: slice
    taps: dict[tuple[int, int], Place]

    def weights(self, m: Array) -> Array:
        """(groups, v channels, views, u channels, rows); zero where there is no tap."""
        views, rows = (some.stop - some.start for some in (self.views, self.rows))
        weights = np.zeros((*m.shape[:2], views, m.shape[2], rows), m.dtype)
        for (view, row), tap in self.taps.items():
            weights[:, :, view - self.views.start, :, row - self.rows.start] = m[at(..., *tap)]
        return weights

    def put_back(self, dm: Array, sums: Array) -> None:
        """dm[..., tap] = the sums that belong to it, which are laid out as the weights are."""
        for (view, row), tap in self.taps.items():
            dm[at(..., *tap)] = sums[:, :, view - self.views.start, :, row - self.rows.start]


def blocks(stack: Stack, phases: tuple[Phase, ...]) -> list[Block]:
    """One for each phase that meets the stack at all."""
    found = []
    for number, phase in enumerate(phases):
        met = {
            (view, row): tap
            for row, group in enumerate(stack.groups)
            for view, place in enumerate(group.taps)
            if (tap := phase.tap(place)) is not None
        }
        if met:
            views, rows = (slice(min(along), max(along) + 1) for along in zip(*met, strict=True))
            found.append(Block(number, views, rows, met))
    return found


class Part(NamedTuple):
    """A sum is kept per stack, block and range of groups."""

    stack: int
    block: int
    first: int


class Result(NamedTuple):
    """A phase of v as a matrix (groups, v channels, columns), and where it goes if not there."""

    total: Array
    target: Array | None

    def put(self, size: tuple[int, ...]) -> None:
        """Bring it there: what lies beyond the phase's end is left out."""
        if self.target is not None:
            rows = self.total.reshape(*self.target.shape[:3], *size)
            self.target[...] = rows[at(..., *map(slice, self.target.shape[3:]))]


@dataclass
class Depthwise(Pass[Woven]):
    """A pass by weighted sums."""

    stacks: tuple[Stack, ...] = field(init=False)
    blocks: list[list[Block]] = field(init=False)
    weights: list[list[Array]] = field(init=False, default_factory=list)
    sums: list[dict[Part, Array]] = field(init=False)

    def run(self) -> None:
        """Do the work, shared out among the cores."""
        lines, phases = self.along.lines, self.along.phases
        size = tuple(line.out for line in lines)
        images, groups, channels = self.U.shape[:3]
        self.stacks = _plan(lines, channels)
        self.blocks = [blocks(stack, phases) for stack in self.stacks]
        if self.m is not None:
            self.weights = [[block.weights(self.m) for block in some] for some in self.blocks]
        self.sums = [{} for _ in range(worker_count())]
        rows = max(len(stack.views) for stack in self.stacks) * channels
        if not phases[0].everywhere:
            rows = max(rows, len(phases) * self.filters)
        columns = PIECE_BYTES // (rows * groups * self.U.itemsize)
        share_out(self._piece, cut(images, groups, size, columns))
        if self.dm is not None:
            self._collect(self.dm)

    def _piece(self, piece: Piece, worker: int, scratch: Scratch) -> None:
        phases = self.along.phases
        results = [] if self.out is None else self._results(self.out, piece, scratch)
        columns = []
        if self.V is not None:
            columns = columns_by_phase(self.V, phases, piece, scratch)
        for number, stack in enumerate(self.stacks):
            S = fill(stack, self.along.lines, self.U, piece, scratch)
            grid = _grid(S, stack, piece, self.U.shape[2])
            for i, block in enumerate(self.blocks[number]):
                seen = grid[:, block.views, :, block.rows]
                if results:
                    weights, total = self.weights[number][i], results[block.phase].total
                    _weighted(weights[piece.groups], seen, total, scratch, empty=number == 0)
                if columns:
                    more = _dots(as_matrix(columns[block.phase]), seen)
                    sums, part = self.sums[worker], Part(number, i, piece.groups.start)
                    sums[part] = more if part not in sums else sums[part] + more
        for result in results:
            if self.b is not None:
                result.total[...] += self.b[piece.groups]
            result.put(piece.size)

    def _results(self, out: Array, piece: Piece, scratch: Scratch) -> list[Result]:
        """Room for each phase as a matrix: in ``out`` itself, if its columns lie evenly there."""
        results = []
        for number, phase in enumerate(self.along.phases):
            target = channels_first(out[phase.place(piece, out.shape[3:])])
            if phase.everywhere and mergeable(target):
                results.append(Result(as_matrix(target), None))
            else:
                shape = (*target.shape[:3], *piece.size)
                room = scratch.take(f"phase {number}", shape, out.dtype)
                results.append(Result(as_matrix(room), target))
        return results

    def _collect(self, dm: Array) -> None:
        """The workers' sums added up, as (groups, v channels, u channels, *kernel)."""
        for part in set().union(*self.sums):
            total, *others = (sums[part] for sums in self.sums if part in sums)
            for other in others:
                total += other
            some = dm[part.first : part.first + len(total)]
            self.blocks[part.stack][part.block].put_back(some, total)


def _plan(lines: tuple[Line, ...], channels: int) -> tuple[Stack, ...]:
    """Stacks whose filter rows are an even step apart that is longer than that of the columns, or
    that hold every tap."""
    size = [line.out for line in lines]
    shifted = plan_stacks(lines, channels, narrow=prod(size) < NARROW, enough=1)
    if prod(size[1:]) > 1 and all(len(_steps(stack)) <= 1 for stack in shifted):
        return shifted
    return plan_stacks(lines, channels, narrow=True, enough=1)


def _steps(stack: Stack) -> set[int]:
    """How many rows of the stack lie between a filter row and the next; one number if even."""
    return {b.later - a.later for a, b in pairwise(stack.groups)}


def _grid(S: Array, stack: Stack, piece: Piece, channels: int) -> Array:
    """S as (groups, views, u channels, filter rows, columns), the rows as views of each other."""
    order = (channels, len(stack.views)) if stack.whole else (len(stack.views), channels)
    rows = np.lib.stride_tricks.as_strided(
        S,
        (len(S), *order, len(stack.groups), piece.columns),
        (
            S.strides[0],
            S.strides[1] * order[1],
            S.strides[1],
            S.strides[2] * prod(piece.size[1:]) * sum(_steps(stack)),
            S.strides[2],
        ),
    )
    return rows.swapaxes(1, 2) if stack.whole else rows


def _weighted(weights: Array, seen: Array, total: Array, scratch: Scratch, *, empty: bool) -> None:
    """total = the rows seen, each with its weight, added up; or total += it."""
    room = total if empty else scratch.take("more", total.shape, total.dtype)
    np.einsum("gvtur,gturc->gvc", weights, seen, out=room)
    if not empty:
        total += room


def _dots(columns: Array, seen: Array) -> Array:
    """Each row seen times each row of v: (groups, v channels, views, u channels, filter rows)."""
    dots: Array = np.vecdot(seen[:, None], columns[:, :, None, None, None])
    return dots
