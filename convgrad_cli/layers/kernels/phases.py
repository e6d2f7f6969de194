"""What a pass over v takes, and the phases of v as matrices of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from convgrad_cli.layers.kernels.index import at
from convgrad_cli.layers.kernels.pieces import channels_first

if TYPE_CHECKING:
    from convgrad_cli.layers.kernels.lines import Phase
    from convgrad_cli.layers.kernels.pieces import Piece
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Array

Along = TypeVar("Along")


@dataclass
class Pass(Generic[Along]):
    """One pass over v: fills ``out`` (v itself, from m) and ``dm`` (from V), whichever is given.

    U: (N, groups, u channels, *space)   out, V: (N, groups, v channels, *space)
    m, dm: (groups, v channels, u channels, *kernel)   b: (groups, v channels, 1), added to ``out``
    along: the lines of the sums, of one correlation or of several woven together
    """

    along: Along
    U: Array
    m: Array | None = None
    out: Array | None = None
    V: Array | None = None
    dm: Array | None = None
    b: Array | None = None

    @property
    def filters(self) -> int:
        """Channels of v in a group."""
        filters: int = next(m.shape[1] for m in (self.m, self.dm) if m is not None)
        return filters


def columns_by_phase(
    V: Array, phases: tuple[Phase, ...], piece: Piece, scratch: Scratch
) -> list[Array]:
    """A piece of each phase of V (N, groups, v channels, *space), zeros beyond the phase's end:
    (groups, v channels, images, columns)."""
    if len(phases) == 1 and phases[0].everywhere:
        whole = channels_first(V[piece.place])
        return [whole.reshape(*whole.shape[:3], -1)]
    images, groups = (s.stop - s.start for s in (piece.images, piece.groups))
    shape = (len(phases), groups, V.shape[2], images, *piece.size)
    apart = scratch.take("phases", shape, V.dtype)
    for phase, place in zip(phases, apart, strict=True):
        seen = channels_first(V[phase.place(piece, V.shape[3:])])
        if seen.shape[3:] != piece.size:
            place.fill(0)
        place[at(..., *map(slice, seen.shape[3:]))] = seen
    return [place.reshape(*place.shape[:3], -1) for place in apart]
