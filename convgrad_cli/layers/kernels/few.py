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

    from convgrad_cli.layers.kernels.lines import Woven
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

    def _factor(self, m: Array, stack: Stack) -> Array:
        """M: (groups, stack's groups * phases * v channels, rows)."""
        groups, filters, channels = m.shape[:3]
        made = (len(stack.groups), len(self.woven.phases), filters)
        M = np.zeros((groups, *made, len(stack.views), channels), m.dtype)
        for g, row, r, tap in self._taps(stack):
            M[:, g, r, :, row] = m[at(..., *tap)]
        if stack.whole:
            M = M.swapaxes(-1, -2)
        return M.reshape(groups, prod(made), -1)

    def _piece(self, piece: Piece, worker: int, scratch: Scratch) -> None:
        phases = self.woven.phases
        total = columns = None
        if self.out is not None:
            target = channels_first(self.out[piece.place])
            in_place = len(phases) == 1 and phases[0].everywhere and mergeable(target)
            shape = (len(target), len(phases) * self.filters, piece.columns)
            own = scratch.matrices("total", shape, target.dtype)
            total = as_matrix(target) if in_place else own
        if self.V is not None:
            columns = self._columns(self.V, piece, scratch)
        for number, stack in enumerate(self.stacks):
            S = fill(stack, self.woven.lines, self.U, piece, scratch)
            starts = [group.later * prod(piece.size[1:]) for group in stack.groups]
            if total is not None:
                self._add_rows(total, number, S, starts, piece, scratch)
            if columns is not None:
                self._add_sums(number, S, starts, columns, piece, worker, scratch)
        if total is not None and self.out is not None:
            if self.b is not None:
                total += self.b[piece.groups]
            if not in_place:
                self._put(total, piece)

    def _add_rows(
        self,
        total: Array,
        number: int,
        S: Array,
        starts: list[int],
        piece: Piece,
        scratch: Scratch,
    ) -> None:
        """T = M @ S, and its rows added to where they belong."""
        factor = self.factors[number][piece.groups]
        longest = longest_sum(S.dtype, self.U.shape[2])
        if len(starts) == 1 and number == 0:
            add_product(total, factor, S, scratch, longest=longest, empty=True)
            return
        T = scratch.matrices("tall", (*factor.shape[:2], S.shape[2]), S.dtype)
        add_product(T, factor, S, scratch, longest=longest, empty=True)
        by_group = T.reshape(len(T), len(starts), -1, T.shape[2])
        rows = [by_group[:, g, :, a : a + piece.columns] for g, a in enumerate(starts)]
        if number == 0:
            np.add(rows[0], rows[1], out=total)
        for row in rows[2:] if number == 0 else rows:
            total += row

    def _add_sums(
        self,
        number: int,
        S: Array,
        starts: list[int],
        columns: Array,
        piece: Piece,
        worker: int,
        scratch: Scratch,
    ) -> None:
        """S @ v^T for every group, seen from its own row on."""
        shape = (len(starts), *S.shape[:2], columns.shape[2])
        part = (number, piece.groups.start)
        more = scratch.take("sum", shape, S.dtype)
        for g, start in enumerate(starts):
            np.matmul(S[:, :, start : start + piece.columns], columns, out=more[g])
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

    def _put(self, total: Array, piece: Piece) -> None:
        """Every phase to its places in ``out``."""
        assert self.out is not None
        images = piece.images.stop - piece.images.start
        by_phase = total.reshape(len(total), -1, self.filters, images, *piece.size)
        for r, phase in enumerate(self.woven.phases):
            target = channels_first(self.out[phase.place(piece, self.out.shape[3:])])
            target[...] = by_phase[:, r][at(..., *map(slice, target.shape[3:]))]

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
