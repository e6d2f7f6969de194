"""An array as planes: labelled two-dimensional grids, cut at the edges where there is too much.

A plane holds an array's last two canonical axes (rows and columns of an image; channels and
positions of a signal) in the array's own order, so that channels-last arrays read the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from convgrad_cli.geometry.ranks import filter_layout, input_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.render.result import Array, Result

EDGE: Final = 3
"""Rows and columns kept at each edge of an abbreviated plane."""

_EDGE_PLANES: Final = 2
_BLOCK: Final = 1 << 20
_FILTERS: Final = frozenset({"W", "dW"})
_VECTORS: Final = frozenset({"b", "db"})


class Section(NamedTuple):
    """One array of a result under the name it is printed with."""

    title: str
    name: str
    array: Array
    updated: bool = False


@dataclass(frozen=True)
class Plane:
    """One grid: where it stands in its array, and which rows and columns are shown.

    index: (axis name, position) of each axis that is fixed; the name is "" where it is unknown.
    place: the same as an index into the given array, None for the axes of the plane.
    rows, columns: the positions shown; None stands for those left out. ``rows`` is empty when the
    array has one axis only.
    """

    index: tuple[tuple[str, int], ...]
    place: tuple[int | None, ...]
    values: Array
    rows: tuple[int | None, ...]
    columns: tuple[int | None, ...]

    def label(self, name: str) -> str:
        """``dX[n=0, c=1]``, or the name alone where nothing is fixed."""
        fixed = ", ".join(f"{axis}={at}" if axis else str(at) for axis, at in self.index)
        return f"{name}[{fixed}]" if fixed else name

    def code(self, name: str) -> str:
        """``dX[0, 1]`` or ``dX[0, :, :, 1]``: the plane as Python takes it from the array."""
        if not self.index:
            return name
        places = [":" if at is None else str(at) for at in self.place]
        while places[-1] == ":":
            places.pop()
        return f"{name}[{', '.join(places)}]"

    def shown(self) -> Array:
        """The values that are shown, without the gaps: rows × columns."""
        columns = [at for at in self.columns if at is not None]
        if self.values.ndim == 1:
            return self.values[columns][None, :]
        return self.values[np.ix_([at for at in self.rows if at is not None], columns)]


class Summary(NamedTuple):
    """What is said of an array of which only the edges are shown."""

    minimum: int | float
    maximum: int | float
    norm: float


def sections(result: Result) -> list[Section]:
    """The arrays of a result in printing order, the updated parameters last."""
    every = [Section(name, name, np.atleast_1d(array)) for name, array in result.arrays.items()]
    for name, array in (result.updated or {}).items():
        every.append(Section(f"{name} updated", name, np.atleast_1d(array), updated=True))
    return every


def planes(
    result: Result,
    section: Section,
    *,
    limit: int,
    top: int | None = None,
    most: tuple[int, int] | None = None,
) -> list[Plane | None]:
    """The planes of an array; None stands for planes left out.

    limit: elements above which the planes and their rows and columns are cut to the edges.
    top: at most so many planes, and at least one.
    most: rows and columns above which a plane is cut, however small the array.
    """
    array = section.array
    names = axis_names(result, section.name, array.ndim)
    within = plane_axes(names)
    outer = [axis for axis in range(array.ndim) if axis not in within]
    cut = array.size > limit
    sizes = [array.shape[axis] for axis in within]
    bounds = [None] * len(sizes) if most is None else most[-len(sizes) :]
    shown = [
        _shown(size, EDGE if cut or (bound and size > bound) else None)
        for size, bound in zip(sizes, bounds, strict=True)
    ]
    found: list[Plane | None] = []
    for place in _places([array.shape[axis] for axis in outer], cut, top):
        if place is None:
            found.append(None)
            continue
        full: list[int | None] = [None] * array.ndim
        for axis, at in zip(outer, place, strict=True):
            full[axis] = at
        values = array[tuple(slice(None) if at is None else at for at in full)]
        index = tuple((names[axis], at) for axis, at in zip(outer, place, strict=True))
        rows = shown[0] if len(within) == 2 else ()
        found.append(Plane(index, tuple(full), values, rows, shown[-1]))
    return found


def in_part(shown: Sequence[Plane | None]) -> bool:
    """Whether planes, rows or columns are left out."""
    return any(plane is None or None in plane.rows or None in plane.columns for plane in shown)


def shown_values(shown: Sequence[Plane | None]) -> Array:
    """All numbers that are shown, plane after plane, so that they can be written alike."""
    return np.concatenate([plane.shown().reshape(-1) for plane in shown if plane is not None])


def planes_left_out(shown: Sequence[Plane | None], array: Array) -> int:
    """How many of an array's planes are not among those shown."""
    present = [plane for plane in shown if plane is not None]
    return array.size // present[0].values.size - len(present)


def axis_names(result: Result, name: str, rank: int) -> tuple[str, ...]:
    """A letter for each axis, as in the contract's formula; "" where the layout says nothing.

    n sample, o filter (or output channel), c channel; spatial axes are d, h and w.
    """
    if name in _VECTORS and rank == 1:
        return ("o",)
    dims = result.geometry.get("dims")
    if not isinstance(dims, int) or not dims <= rank <= dims + 2:
        return ("",) * rank
    spatial = ("d", "h", "w")[-dims:]
    if name in _FILTERS:
        layout = filter_layout(rank, dims, str(result.geometry.get("filter_layout", "oihw")))
        letters: Sequence[str] = ("o", "c", *spatial)
    else:
        layout = input_layout(rank, dims, str(result.geometry.get("layout", "nchw")))
        filters = name in ("Y", "dY") and result.operation.startswith("conv")
        letters = ("n", "o" if filters else "c", *spatial)
    return tuple(letters[axis] for axis in layout.order)


def plane_axes(names: Sequence[str]) -> tuple[int, ...]:
    """The axes that make up a plane: the last two by meaning, in the array's own order."""
    if "" in names:
        return tuple(range(len(names)))[-2:]
    by_meaning = sorted(range(len(names)), key=lambda axis: "nocdhw".index(names[axis]))
    return tuple(sorted(by_meaning[-2:]))


def summary(array: Array) -> Summary:
    """Smallest, largest and L2 norm, block by block, so that a mapped file stays on disk."""
    flat = array.T.reshape(-1) if array.flags.f_contiguous else array.reshape(-1)
    blocks = [flat[start : start + _BLOCK] for start in range(0, flat.size, _BLOCK)]
    low, high = (pick([pick(block) for block in blocks]).item() for pick in (np.min, np.max))
    scale = max(abs(low), abs(high))
    if not scale or not np.isfinite(scale):
        return Summary(low, high, scale)
    squares = (np.square(block / np.float64(scale)).sum() for block in blocks)
    return Summary(low, high, scale * sqrt(sum(map(float, squares))))


def _shown(size: int, edge: int | None) -> tuple[int | None, ...]:
    """All positions, or the first and last ``edge`` with None between them."""
    if edge is None or size <= 2 * edge + 1:
        return tuple(range(size))
    return (*range(edge), None, *range(size - edge, size))


def _places(sizes: Sequence[int], cut: bool, top: int | None) -> Iterator[tuple[int, ...] | None]:
    """Row-major positions along the outer axes, with None where positions are left out."""
    count = prod(sizes)
    most = 2 * _EDGE_PLANES if cut else count
    most = most if top is None else min(most, max(top, 1))
    if count <= most:
        yield from product(*map(range, sizes))
        return
    first = (most + 1) // 2
    chosen = (*range(first), None, *range(count - (most - first), count))
    for flat in chosen:
        yield None if flat is None else tuple(map(int, np.unravel_index(flat, sizes)))
