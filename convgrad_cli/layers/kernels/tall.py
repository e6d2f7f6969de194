"""Every phase and every filter row in one pass: tall products of one stack.

A product with a handful of rows takes as long as reading its stack, and the phases of a strided
layer read the same stack. So the filters of all groups g of the stack (see
:mod:`convgrad_cli.layers.kernels.stack`) and of all phases r are laid under each other, as *blocks*

    T[(g,r,c), y]  =  sum over (t,k) of m[g,r,c,t,k] * S[(t,k), y]            T = M @ S

for every row of the stack, its halo included. Blocks that read the same taps t make one product, so
that a phase that meets fewer columns of the filter costs no more than its own. What is left are a
few sums of whole rows, put where the phase lies in v:

    v_r[c, y]  =  sum over g of T[(g,r,c), y + later(g)]

A layer of few channels so reads its stack once, not once a filter row.
The sums dm are products of the same stack with the phases of V.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.layers.kernels.gather import fill
from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.lines import Woven
from convgrad_cli.layers.kernels.phases import Pass, columns_by_phase
from convgrad_cli.layers.kernels.pieces import NARROW, channels_first, cut
from convgrad_cli.layers.kernels.products import add_product, longest_sum
from convgrad_cli.layers.kernels.stack import plan_stacks
from convgrad_cli.layers.kernels.tiles import product_transposed
from convgrad_cli.layers.kernels.workers import share_out, worker_count

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.lines import Phase
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Place, Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# A piece's stack and products together: few and large steps, since each is a turn of the lock
# that Python threads share.
PIECE_BYTES = 8 * 2**20


class Block(NamedTuple):
    """The filter positions at which a phase meets a group of the stack: {view: position}."""

    group: int
    phase: int
    taps: dict[int, Place]


class Batch(NamedTuple):
    """Blocks that read the stack's views from ``first`` to before ``last``, and their filters."""

    stack: Stack
    first: int
    last: int
    blocks: tuple[Block, ...]

    def rows(self, S: Array, channels: int) -> Array:
        """Those rows of the stack."""
        return S[:, self.first * channels : self.last * channels]

    def factor(self, m: Array) -> Array:
        """M: (groups, blocks * v channels, rows); zero where a block has no tap."""
        groups, filters, channels = m.shape[:3]
        M = np.zeros((groups, len(self.blocks), filters, self.last - self.first, channels), m.dtype)
        for i, block in enumerate(self.blocks):
            for view, tap in block.taps.items():
                M[:, i, :, view - self.first] = m[at(..., *tap)]
        if self.stack.whole:
            M = M.swapaxes(-1, -2)
        return M.reshape(groups, len(self.blocks) * filters, -1)

    def put_back(self, dm: Array, block: Block, total: Array) -> None:
        """dm[..., tap] = the rows of a block's sums (groups, rows, v channels)."""
        groups, filters, channels = dm.shape[:3]
        views = self.last - self.first
        order = (channels, views) if self.stack.whole else (views, channels)
        rows = total.reshape(groups, *order, filters)
        by_view = rows.swapaxes(1, 2) if self.stack.whole else rows
        for view, tap in block.taps.items():
            dm[at(..., *tap)] = by_view[:, view - self.first].swapaxes(1, 2)


def batches(stack: Stack, phases: tuple[Phase, ...]) -> list[Batch]:
    """All blocks that have a tap at all."""
    found: dict[tuple[int, int], list[Block]] = {}
    for g, group in enumerate(stack.groups):
        for r, phase in enumerate(phases):
            met = {view: phase.tap(place) for view, place in enumerate(group.taps)}
            taps = {view: tap for view, tap in met.items() if tap is not None}
            if taps:
                # The rows of a whole stack lie channel by channel: all or none.
                span = (0, len(stack.views)) if stack.whole else (min(taps), max(taps) + 1)
                found.setdefault(span, []).append(Block(g, r, taps))
    return [Batch(stack, *span, tuple(blocks)) for span, blocks in found.items()]


@dataclass
class Tall(Pass[Woven]):
    """A pass by tall products."""

    batches: list[list[Batch]] = field(init=False)
    factors: list[list[Array]] = field(init=False, default_factory=list)
    sums: list[dict[tuple[int, int, int], list[Array]]] = field(init=False)

    def run(self) -> None:
        """Do the work, shared out among the cores."""
        lines, phases = self.along.lines, self.along.phases
        size = tuple(line.out for line in lines)
        images, groups, channels = self.U.shape[:3]
        self.longest = longest_sum(self.U.dtype, channels)
        stacks = plan_stacks(lines, channels, narrow=prod(size) < NARROW, enough=1)
        self.batches = [batches(stack, phases) for stack in stacks]
        if self.m is not None:
            self.factors = [[batch.factor(self.m) for batch in some] for some in self.batches]
        self.sums = [{} for _ in range(worker_count())]
        rows = max(
            len(some[0].stack.views) * channels + self.filters * sum(len(b.blocks) for b in some)
            for some in self.batches
        )
        columns = PIECE_BYTES // (rows * groups * self.U.itemsize)
        share_out(self._piece, cut(images, groups, size, columns, fold=True))
        if self.dm is not None:
            self._collect(self.dm)

    def _piece(self, piece: Piece, worker: int, scratch: Scratch) -> None:
        parts: list[list[Array]] = [[] for _ in self.along.phases]
        columns = (
            None if self.V is None else columns_by_phase(self.V, self.along.phases, piece, scratch)
        )
        for number, some in enumerate(self.batches):
            stack = some[0].stack
            S = fill(stack, self.along.lines, self.U, piece, scratch)
            starts = [group.later * prod(piece.size[1:]) for group in stack.groups]
            for i, batch in enumerate(some):
                seen = batch.rows(S, self.U.shape[2])
                if self.out is not None:
                    T = self._product(number, i, seen, piece, scratch)
                    for block, rows in zip(batch.blocks, T, strict=True):
                        parts[block.phase].append(_windows(rows, piece, starts[block.group]))
                if columns is not None:
                    more = [
                        _sum(_windows(seen, piece, starts[g]), columns[r])
                        for g, r, _ in batch.blocks
                    ]
                    self._keep((number, i, piece.groups.start), more, worker)
        if self.out is not None:
            for phase, rows_of_phase in zip(self.along.phases, parts, strict=True):
                self._add_up(self.out, phase, rows_of_phase, piece, scratch)

    def _product(self, number: int, i: int, seen: Array, piece: Piece, scratch: Scratch) -> Array:
        """T of a batch: (blocks, groups, v channels, columns of the stack)."""
        factor = self.factors[number][i][piece.groups]
        T = scratch.matrices(f"tall {number} {i}", (*factor.shape[:2], seen.shape[2]), seen.dtype)
        add_product(T, factor, seen, scratch, longest=self.longest, empty=True)
        return T.reshape(len(T), -1, self.filters, T.shape[2]).swapaxes(0, 1)

    def _add_up(
        self, out: Array, phase: Phase, rows: list[Array], piece: Piece, scratch: Scratch
    ) -> None:
        """A phase's rows of T, added up where they belong in ``out``; and the bias."""
        if self.b is not None:
            rows[0] += self.b[piece.groups][..., None]
        while len(rows) > 2:
            first, second, *rest = rows
            both = scratch.take("sum of rows", first.shape, first.dtype)
            rows = [np.add(first, second, out=both), *rest]
        target = channels_first(out[phase.place(piece, out.shape[3:])])
        inside = at(..., *map(slice, target.shape[3:]))
        rows = [row.reshape(*row.shape[:3], *piece.size)[inside] for row in rows]
        if len(rows) == 1:
            target[...] = rows[0]
        else:
            np.add(rows[0], rows[1], out=target)

    def _keep(self, part: tuple[int, int, int], more: list[Array], worker: int) -> None:
        """Add a batch's sums, one for each block, to the worker's."""
        sums = self.sums[worker]
        if part in sums:
            for total, one in zip(sums[part], more, strict=True):
                total += one
        else:
            sums[part] = more

    def _collect(self, dm: Array) -> None:
        """The workers' sums added up, as (groups, v channels, u channels, *kernel)."""
        for part in set().union(*self.sums):
            number, i, first = part
            batch = self.batches[number][i]
            each = zip(*(sums[part] for sums in self.sums if part in sums), strict=True)
            for block, (total, *others) in zip(batch.blocks, each, strict=True):
                for other in others:
                    total += other
                batch.put_back(dm[first : first + len(total)], block, total)


def _windows(rows: Array, piece: Piece, start: int) -> Array:
    """Rows (groups, channels, columns of the stack) as a group sees the piece, from its own row of
    each image on: (groups, channels, images, columns)."""
    images = piece.images.stop - piece.images.start
    by_image = rows.reshape(*rows.shape[:2], images, -1)
    return by_image[..., start : start + prod(piece.size)]


def _sum(window: Array, columns: Array) -> Array:
    """(groups, rows, images, columns) @ (groups, v channels, images, columns)^T, over the images:
    (groups, rows, v channels)."""
    if columns.shape[1] == 1:
        dots: Array = np.vecdot(window, columns).sum(axis=2)
        return dots[..., None]
    products: Array = product_transposed(window.swapaxes(1, 2), columns.swapaxes(1, 2)).sum(axis=1)
    return products
