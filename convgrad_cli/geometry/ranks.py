"""Ranks and layouts: how the user's arrays map to the canonical X (N, C, *), W (K, C/groups, *).

A canonical axis is named by its place there: 0 batch (or K), 1 channels, 2… spatial. An
:class:`ArrayLayout` says which canonical axis each axis of a given array is; axes the array does
not have are of size 1. It moves shapes, indices and (with their own methods, so that this room
needs no numpy) arrays both ways.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYOUTS = ("nchw", "nhwc")
FILTER_LAYOUTS = ("oihw", "hwio", "iohw")


@dataclass(frozen=True)
class ArrayLayout:
    """The order of an array's axes: its axis j is canonical axis ``order[j]``."""

    order: tuple[int, ...]
    canonical_ndim: int

    def canonical_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The canonical shape of an array of shape ``shape``."""
        return tuple(
            shape[self.order.index(axis)] if axis in self.order else 1
            for axis in range(self.canonical_ndim)
        )

    def given_shape(self, canonical: Sequence[int]) -> tuple[int, ...]:
        """The shape in the user's rank and layout; also maps an index."""
        return tuple(canonical[axis] for axis in self.order)

    def given_index(self, canonical: Sequence[int]) -> tuple[int, ...]:
        """A canonical index as an index into the given array."""
        return self.given_shape(canonical)

    def canonical_index(self, given: Sequence[int]) -> tuple[int, ...]:
        """An index into the given array as a canonical one."""
        return tuple(
            given[self.order.index(axis)] if axis in self.order else 0
            for axis in range(self.canonical_ndim)
        )

    def to_canonical(self, array: Any) -> Any:
        """The array with canonical axes (a view)."""
        by_axis = sorted(range(len(self.order)), key=self.order.__getitem__)
        return array.transpose(by_axis).reshape(self.canonical_shape(array.shape))

    def from_canonical(self, array: Any) -> Any:
        """A canonical array in the user's rank and layout (a view)."""
        present = sorted(self.order)
        squeezed = array.reshape([array.shape[axis] for axis in present])
        return squeezed.transpose([present.index(axis) for axis in self.order])


def input_layout(rank: int, dims: int, layout: str = "nchw") -> ArrayLayout:
    """X, Y and dY: (*spatial), (C, *spatial) or (N, C, *spatial); channels last for ``nhwc``."""
    leading = {dims: (), dims + 1: (1,), dims + 2: (0, 1)}[rank]
    return _ordered(leading, dims, channels_last=_known(layout, LAYOUTS, "layout") == "nhwc")


def filter_layout(rank: int, dims: int, layout: str = "oihw") -> ArrayLayout:
    """W: (*spatial), (C, *spatial) or (K, C, *spatial), or the orders ``hwio``, ``iohw``."""
    _known(layout, FILTER_LAYOUTS, "filter layout")
    spatial = tuple(range(2, dims + 2))
    if rank == dims:
        return ArrayLayout(spatial, dims + 2)
    channels = {
        "oihw": ((1,), (0, 1)),
        "hwio": ((1,), (1, 0)),
        "iohw": ((1,), (1, 0)),
    }[layout][rank - dims - 1]
    order = (*spatial, *channels) if layout == "hwio" else (*channels, *spatial)
    return ArrayLayout(order, dims + 2)


def output_layout(x_rank: int, w_rank: int, dims: int, layout: str = "nchw") -> ArrayLayout:
    """Y has a batch axis iff X has one, and a channel axis iff it has that or W has a K axis."""
    batched = x_rank == dims + 2
    leading = (0, 1) if batched else (1,) if w_rank == dims + 2 else ()
    return _ordered(leading, dims, channels_last=layout == "nhwc")


def conv_dims(x_rank: int, w_rank: int, dims: int | None) -> int:
    """Spatial dimensions from the ranks of X and W, or ``dims`` where given.

    W of rank 1 → 1-D, 2 → 2-D, 4 → 2-D, 5 → 3-D; of rank 3 by X: rank 1 or 2 → 1-D, 4 → 2-D,
    5 → 3-D, and with X of rank 3 both (K,C,R) and (C,R,S) are common, so ``dims`` is required.
    Raises UsageError naming ``--dims`` for anything inconsistent.
    """
    if dims is None:
        if w_rank == 3 and x_rank == 3:
            raise UsageError(
                "X and W of rank 3 can be read in two ways.",
                expected="--dims 1 for X (N,C,L), W (K,C,R), or --dims 2 for X (C,H,W), W (C,R,S)",
                remedy="say which with --dims 1 or --dims 2 (dims= in Python)",
            )
        by_input = {1: 1, 2: 1, 4: 2, 5: 3}
        dims = {1: 1, 2: 2, 3: by_input.get(x_rank), 4: 2, 5: 3}.get(w_rank)
    if dims is not None and dims not in (1, 2, 3):
        raise UsageError(
            "--dims must be 1, 2 or 3.",
            found=str(dims),
            remedy="give the number of spatial dimensions of the layer",
        )
    fits = dims is not None and dims <= x_rank <= dims + 2 and dims <= w_rank <= dims + 2
    if dims is None or not fits:
        raise ShapeError(
            "The ranks of X and W do not fit together.",
            expected="X of rank D, D+1 or D+2 and W of rank D, D+1 or D+2, for D = 1, 2 or 3"
            + (f" (here D = {dims})" if dims else ""),
            found=f"X of rank {x_rank}, W of rank {w_rank}",
            remedy="add the missing axes, or say the number of spatial dimensions with --dims",
        )
    return dims


def pool_dims(x_rank: int, window: int | Sequence[int], dims: int | None) -> int:
    """Spatial dimensions of a pool: as many as the window has entries, else ``dims``, else 2."""
    entries = len(window) if isinstance(window, Sized) else 1
    found = dims if entries == 1 and dims is not None else entries if entries > 1 else 2
    if dims is not None and dims != found:
        raise UsageError(
            "--dims contradicts the window.",
            expected=f"--dims {found} for a window of {found} entries",
            found=f"--dims {dims}",
        )
    if found not in (1, 2, 3) or not found <= x_rank <= found + 2:
        raise ShapeError(
            "The rank of X does not fit the pool.",
            expected=f"rank {found}, {found + 1} or {found + 2} for a {found}-D pool",
            found=f"rank {x_rank}",
            array="X",
            remedy="say the number of spatial dimensions with --dims, or one window entry each",
        )
    return found


def _ordered(leading: tuple[int, ...], dims: int, *, channels_last: bool) -> ArrayLayout:
    spatial = tuple(range(2, dims + 2))
    if not channels_last:
        return ArrayLayout((*leading, *spatial), dims + 2)
    batch = tuple(axis for axis in leading if axis == 0)
    channel = tuple(axis for axis in leading if axis == 1)
    return ArrayLayout((*batch, *spatial, *channel), dims + 2)


def _known(word: str, words: tuple[str, ...], what: str) -> str:
    if word not in words:
        raise UsageError(f"Unknown {what} {word!r}.", expected=f"one of {', '.join(words)}")
    return word
