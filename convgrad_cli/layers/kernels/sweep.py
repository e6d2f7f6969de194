"""Correlations and their filter sums as matrix products over the pieces of a layer.

With S the stack of u (see :mod:`convgrad_cli.layers.kernels.stack`), for each of its groups g

    v    =  sum over g of m_g @ S_g          Y from X with W, or dX from dY with W transposed
    dm_g =  sum over pieces of S_g @ v^T     dW, from the same stack

U and V are (N, groups, channels, *space); m is (groups, v channels, u channels, *kernel).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.layers.kernels.filters import Sums, arranged, put_back
from convgrad_cli.layers.kernels.gather import fill
from convgrad_cli.layers.kernels.lines import Correlation
from convgrad_cli.layers.kernels.phases import Pass
from convgrad_cli.layers.kernels.pieces import NARROW, as_matrix, channels_first, cut, mergeable
from convgrad_cli.layers.kernels.products import add_product, longest_sum
from convgrad_cli.layers.kernels.stack import ENOUGH_ROWS, plan_stacks
from convgrad_cli.layers.kernels.tiles import product_transposed
from convgrad_cli.layers.kernels.workers import aliased, share_out, worker_count

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Group, Stack
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# A stack of this size still lies in the caches when the product reads it.
STACK_BYTES = 4 * 2**20
# Of planes so small that they share a product, more: a wide product is worth the slower memory.
FOLDED_BYTES = 8 * 2**20
# Columns added up in one go for dW.
LONGEST_COLUMNS = 1024


class Part(NamedTuple):
    """A sum is kept per matrix product and per range of groups."""

    group: Group
    first: int


@dataclass
class Sweep(Pass[Correlation]):
    """A pass by matrix products."""

    stacks: tuple[Stack, ...] = field(init=False)
    factors: dict[Group, Array] = field(init=False, default_factory=dict)
    sums: list[dict[Part, Array]] = field(init=False)

    def run(self) -> None:
        """Do the work, shared out among the cores."""
        lines = self.along.lines
        size = tuple(line.out for line in lines)
        images, groups, channels = self.U.shape[:3]
        narrow = prod(size) < NARROW
        self.stacks = plan_stacks(lines, channels, narrow=narrow, enough=ENOUGH_ROWS)
        if self.m is not None:
            self.factors = arranged(self.m, self.stacks)
        self.sums = [{} for _ in range(worker_count())]
        rows = max(len(stack.views) for stack in self.stacks) * channels * groups
        room = FOLDED_BYTES if narrow else STACK_BYTES
        share_out(self._piece, cut(images, groups, size, room // (rows * self.U.itemsize)))
        if self.dm is not None:
            self._collect(self.dm)

    def _piece(self, piece: Piece, worker: int, scratch: Scratch) -> None:
        total = target = columns = None
        if self.out is not None:
            target = channels_first(self.out[piece.place])
            in_place = mergeable(target) and not aliased(as_matrix(target))
            total = as_matrix(target) if in_place else _room_for(target, scratch)
        if self.V is not None:
            columns = as_matrix(channels_first(self.V[piece.place]))
        empty, longest = True, longest_sum(self.U.dtype, self.U.shape[2])
        for stack in self.stacks:
            S = fill(stack, self.along.lines, self.U, piece, scratch)
            for group in stack.groups:
                start = group.later * prod(piece.size[1:])
                rows = len(group.taps) * self.U.shape[2]
                seen = S[:, :rows, start : start + piece.columns]
                if total is not None:
                    factor = self.factors[group][piece.groups]
                    near = len(stack.views) > 1
                    add_product(
                        total, factor, seen, scratch, longest=longest, empty=empty, near=near
                    )
                    empty = False
                if columns is not None:
                    self._add_sum(Part(group, piece.groups.start), seen, columns, worker, scratch)
        if total is not None and target is not None:
            if self.b is not None:
                total += self.b[piece.groups]
            if not in_place:
                target[...] = total.reshape(target.shape)

    def _add_sum(
        self, part: Part, seen: Array, columns: Array, worker: int, scratch: Scratch
    ) -> None:
        """S @ v^T, the columns in parts for the sake of rounding."""
        sums = self.sums[worker]
        parts = -(-seen.shape[2] // LONGEST_COLUMNS)
        for i in range(parts):
            some = slice(seen.shape[2] * i // parts, seen.shape[2] * (i + 1) // parts)
            if part not in sums:
                sums[part] = product_transposed(seen[:, :, some], columns[:, :, some])
            else:
                more = scratch.take("sum", sums[part].shape, seen.dtype)
                sums[part] += product_transposed(seen[:, :, some], columns[:, :, some], more)

    def _collect(self, dm: Array) -> None:
        """The workers' sums added up, as (groups, v channels, u channels, *kernel)."""
        whole = {group: stack.whole for stack in self.stacks for group in stack.groups}
        parts = []
        for part in set().union(*self.sums):
            totals = [sums[part] for sums in self.sums if part in sums]
            some = dm[part.first : part.first + len(totals[0])]
            parts.append(Sums(some, totals, part.group, whole[part.group]))
        put_back(parts)


def _room_for(block: Array, scratch: Scratch) -> Array:
    """Memory for the block as a matrix."""
    return scratch.matrices("total", (*block.shape[:2], prod(block.shape[2:])), block.dtype)
