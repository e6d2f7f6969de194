"""Few result channels: one tall matrix product makes every row of every phase.

A product with a handful of rows takes as long as reading its stack. Where v has few channels, the
filters of all groups g of the stack (see :mod:`convgrad_cli.layers.kernels.stack`) and of all
phases r are laid under each other, with zeros where a phase has no tap:

    T[(g,r,c), y]  =  sum over (t,k) of m[g,r,c,t,k] * S[(t,k), y]            T = M @ S

for every row of the stack, its halo included. What is left are a few sums of whole rows,

    v_r[c, y]  =  sum over g of T[(g,r,c), y + later(g)]

A depthwise 3x3 layer so copies its input three times, not nine, and adds twice, not eight times.
The sums dm are products of the same stack with the phases of V.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.layers.kernels.gather import fill
from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.pieces import NARROW, as_matrix, channels_first, cut, mergeable
from convgrad_cli.layers.kernels.products import add_product, longest_sum
from convgrad_cli.layers.kernels.stack import plan_stacks
from convgrad_cli.layers.kernels.workers import share_out, worker_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.layers.kernels.lines import Phase, Woven
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Place, Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# A piece's stack and products together: few and large steps, since each is a turn of the lock
# that Python threads share.
PIECE_BYTES = 6 * 2**20


class Tap(NamedTuple):
    """One product: filter position ``tap`` at row ``view`` of a group of the stack, for a phase."""

    group: int
    view: int
    phase: int
    tap: Place


@dataclass
class Few:
    """One pass over v: fills ``out`` (v itself, from m) and ``dm`` (from V), whichever is given.

    U: (N, groups, u channels, *space)   out, V: (N, groups, v channels, *space)
    m, dm: (groups, v channels, u channels, *kernel)   b: (groups, v channels, 1), added to ``out``
    """

    woven: Woven
    U: Array
    m: Array | None = None
    out: Array | None = None
    V: Array | None = None
    dm: Array | None = None
    b: Array | None = None
    stacks: tuple[Stack, ...] = field(init=False)
    factors: list[Array] = field(init=False, default_factory=list)
    sums: list[dict[tuple[int, int], Array]] = field(init=False)

    def run(self) -> None:
        """Do the work, shared out among the cores."""
        size = tuple(line.out for line in self.woven.lines)
        images, groups, channels = self.U.shape[:3]
        self.filters = next(m.shape[1] for m in (self.m, self.dm) if m is not None)
        narrow = prod(size) < NARROW
        self.stacks = plan_stacks(self.woven.lines, channels, narrow=narrow, enough=1)
        if self.m is not None:
            self.factors = [self._factor(self.m, stack) for stack in self.stacks]
        self.sums = [{} for _ in range(worker_count())]
        made = self.filters * len(self.woven.phases)
        rows = max(len(s.views) * channels + len(s.groups) * made for s in self.stacks) * groups
        share_out(self._piece, cut(images, groups, size, PIECE_BYTES // (rows * self.U.itemsize)))
        if self.dm is not None:
            self._collect(self.dm)

    def _taps(self, stack: Stack) -> Iterator[Tap]:
        """The products that a stack makes; between them M has zeros."""
        for g, group in enumerate(stack.groups):
            for row, view in enumerate(group.taps):
                for r, phase in enumerate(self.woven.phases):
                    tap = phase.tap(view)
                    if tap is not None:
                        yield Tap(g, row, r, tap)

    def _made(self, stack: Stack) -> list[tuple[int, int]]:
        """The blocks of rows of T: (group, phase) wherever they have a tap in common."""
        return sorted({(tap.group, tap.phase) for tap in self._taps(stack)})

    def _factor(self, m: Array, stack: Stack) -> Array:
        """M: (groups, blocks * v channels, rows of the stack)."""
        groups, filters, channels = m.shape[:3]
        block = {made: i for i, made in enumerate(self._made(stack))}
        M = np.zeros((groups, len(block), filters, len(stack.views), channels), m.dtype)
        for g, row, r, tap in self._taps(stack):
            M[:, block[g, r], :, row] = m[at(..., *tap)]
        if stack.whole:
            M = M.swapaxes(-1, -2)
        return M.reshape(groups, len(block) * filters, -1)

    def _piece(self, piece: Piece, worker: int, scratch: Scratch) -> None:
        columns = None if self.V is None else self._columns(self.V, piece, scratch)
        parts: list[list[Array]] = [[] for _ in self.woven.phases]
        for number, stack in enumerate(self.stacks):
            S = fill(stack, self.woven.lines, self.U, piece, scratch)
            if self.out is not None:
                factor = self.factors[number][piece.groups]
                T = scratch.matrices(f"tall {number}", (*factor.shape[:2], S.shape[2]), S.dtype)
                longest = longest_sum(S.dtype, self.U.shape[2])
                add_product(T, factor, S, scratch, longest=longest, empty=True)
                by_block = T.reshape(len(T), -1, self.filters, T.shape[2])
                for i, (g, r) in enumerate(self._made(stack)):
                    start = self._start(stack, g, piece)
                    parts[r].append(by_block[:, i, :, start : start + piece.columns])
            if columns is not None:
                self._add_sums(number, S, columns, piece, worker, scratch)
        if self.out is not None:
            for phase, rows in zip(self.woven.phases, parts, strict=True):
                self._add_up(self.out, phase, rows, piece, scratch)

    @staticmethod
    def _start(stack: Stack, group: int, piece: Piece) -> int:
        """The column of the stack from which a group sees the piece."""
        return stack.groups[group].later * prod(piece.size[1:])

    def _add_up(
        self, out: Array, phase: Phase, rows: list[Array], piece: Piece, scratch: Scratch
    ) -> None:
        """A phase's rows of T, added up where they belong in ``out``; and the bias."""
        if self.b is not None:
            rows[0] += self.b[piece.groups]
        while len(rows) > 2:
            first, second, *rest = rows
            both = scratch.take("sum of rows", first.shape, first.dtype)
            rows = [np.add(first, second, out=both), *rest]
        target = channels_first(out[phase.place(piece, out.shape[3:])])
        if phase.everywhere and mergeable(target):
            target = as_matrix(target)
        else:
            images = piece.images.stop - piece.images.start
            inside = at(..., *map(slice, target.shape[3:]))
            rows = [row.reshape(*row.shape[:2], images, *piece.size)[inside] for row in rows]
        if len(rows) == 1:
            target[...] = rows[0]
        else:
            np.add(rows[0], rows[1], out=target)

    def _add_sums(
        self,
        number: int,
        S: Array,
        columns: Array,
        piece: Piece,
        worker: int,
        scratch: Scratch,
    ) -> None:
        """S @ v^T for every group, seen from its own row on."""
        stack = self.stacks[number]
        starts = [self._start(stack, g, piece) for g in range(len(stack.groups))]
        shape = (len(starts), *S.shape[:2], columns.shape[2])
        part = (number, piece.groups.start)
        more = scratch.take("sum", shape, S.dtype)
        for g, start in enumerate(starts):
            seen = S[:, :, start : start + piece.columns]
            if columns.shape[2] == 1:
                np.vecdot(seen, columns[:, None, :, 0], out=more[g, :, :, 0])
            else:
                np.matmul(seen, columns, out=more[g])
        if part in self.sums[worker]:
            self.sums[worker][part] += more
        else:
            self.sums[worker][part] = more.copy()

    def _columns(self, V: Array, piece: Piece, scratch: Scratch) -> Array:
        """The phases of V, transposed: (groups, columns, phases * v channels)."""
        phases = self.woven.phases
        if len(phases) == 1 and phases[0].everywhere:
            return as_matrix(channels_first(V[piece.place])).swapaxes(1, 2)
        images, groups = (s.stop - s.start for s in (piece.images, piece.groups))
        shape = (groups, len(phases), self.filters, images, *piece.size)
        apart = scratch.take("phases", shape, V.dtype)
        for r, phase in enumerate(phases):
            seen = channels_first(V[phase.place(piece, V.shape[3:])])
            inside = at(..., *map(slice, seen.shape[3:]))
            if seen.shape[3:] != piece.size:
                apart[:, r] = 0
            apart[:, r][inside] = seen
        return apart.reshape(groups, len(phases) * self.filters, -1).swapaxes(1, 2)

    def _collect(self, dm: Array) -> None:
        """The workers' sums added up, as (groups, v channels, u channels, *kernel)."""
        for part in set().union(*self.sums):
            number, first = part
            stack = self.stacks[number]
            total: Array = np.sum([sums[part] for sums in self.sums if part in sums], axis=0)
            groups, some = total.shape[:2]
            order = (-1, len(stack.views)) if stack.whole else (len(stack.views), -1)
            rows = total.reshape(groups, some, *order, len(self.woven.phases), self.filters)
            by_view = rows.swapaxes(2, 3) if stack.whole else rows
            for g, row, r, tap in self._taps(stack):
                dm[first : first + some][at(..., *tap)] = by_view[g, :, row, :, r].swapaxes(1, 2)
