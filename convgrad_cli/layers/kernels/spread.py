"""dX where channels are few: products first, then each filter position spread to its place.

Gathering shifted copies of dY costs K rows a tap, to make only C rows of dX. Where C is much the
smaller (a layer on an RGB image) the transposed route is shorter: one matrix product

    T[(c,t), i] = sum over o of W[o,c,t] * dY[o,i]

makes every product of every tap, and row (c,t) is added to dX where tap t reads: positions
i*s + offset(t). With the stride s, those are one of the interleaved lines of dX; each line is kept
apart and whole (with room around it), so that a tap is added as plain rows, and the lines are
woven together once at the end of the piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.pieces import cut
from convgrad_cli.layers.kernels.workers import share_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.kernels.lines import Correlation
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.stack import Place
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

# Products of one piece, so that they are still in the cache when they are added.
PIECE_BYTES = 4 * 2**20


@dataclass
class Spread:
    """out[..., i*s + offset(t)] += m[..., t]^T @ V over all taps t, from zeros.

    m: (groups, v channels, u channels, *kernel)   V: (N, groups, v channels, *space)
    out: (N, groups, u channels, *in)
    """

    correlation: Correlation
    m: Array
    V: Array
    out: Array

    def run(self) -> None:
        """Do the work, shared out among the cores by images (pieces of one image overlap)."""
        lines = self.correlation.lines
        groups, filters, self.channels = self.m.shape[:3]
        self.back = self.m.reshape(groups, filters, -1).swapaxes(1, 2)
        self.steps = tuple(line.step for line in lines)
        self.low = tuple(min(line.shifts) for line in lines)
        self.span = tuple(max(line.shifts) - min(line.shifts) for line in lines)
        self.views = [
            (
                tuple(line.residues[t] for line, t in zip(lines, tap, strict=True)),
                tuple(
                    line.shifts[t] - min(line.shifts) for line, t in zip(lines, tap, strict=True)
                ),
            )
            for tap in product(*(range(len(line.taps)) for line in lines))
        ]
        columns = PIECE_BYTES // (self.back.shape[1] * groups * self.V.itemsize)
        self.pieces = cut(1, 1, self.V.shape[3:], columns)
        share_out(self._image, range(self.V.shape[0]))

    def _image(self, n: int, _worker: int, scratch: Scratch) -> None:
        self.out[n] = 0
        for piece in self.pieces:
            self._piece(n, piece, scratch)

    def _piece(self, n: int, piece: Piece, scratch: Scratch) -> None:
        groups, filters = self.m.shape[:2]
        block = self.V[at(n, ..., *piece.place[3:])].reshape(groups, filters, -1)
        shape = (groups, self.back.shape[1], block.shape[2])
        products = np.matmul(self.back, block, out=scratch.take("products", shape, block.dtype))
        by_tap = products.reshape(groups, self.channels, len(self.views), *piece.size)
        room = tuple(size + span for size, span in zip(piece.size, self.span, strict=True))
        apart = scratch.take("apart", (*self.steps, groups, self.channels, *room), block.dtype)
        apart.fill(0)
        for row, (residue, shift) in enumerate(self.views):
            window = (slice(a, a + n) for a, n in zip(shift, piece.size, strict=True))
            apart[at(*residue, ..., *window)] += by_tap[:, :, row]
        begin = tuple(a + b for a, b in zip(piece.start, self.low, strict=True))
        _weave(apart, self.steps, begin, self.out[n])


def _weave(apart: Array, steps: Sequence[int], begin: Place, image: Array) -> None:
    """image[..., (y + begin) * step + residue] += apart[residue][..., y], where inside."""
    dims = len(steps)
    for residue in product(*map(range, steps)):
        target, source = [], []
        for axis, (r, step, start) in enumerate(zip(residue, steps, begin, strict=True)):
            size, length = image.shape[axis - dims], apart.shape[axis - dims]
            a = min(max(0, -start), length)
            b = max(a, min(length, -((r - size) // step) - start))
            first = (start + a) * step + r
            source.append(slice(a, b))
            target.append(slice(first, first + (b - a) * step, step))
        image[at(..., *target)] += apart[at(*residue, ..., *source)]
