"""Which indices a notation shows, counted from where, and whether they may run together.

The layer's shapes decide: a batch of one has no sample index, a layer of one channel no channel
index, and X12 is two subscripts only while no index has two digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from convgrad_cli.derivation.glyph import Part, Parts
    from convgrad_cli.derivation.model import Frame, Index
    from convgrad_cli.derivation.notation import Notation


class Subscripts:
    """The indices of a layer's arrays as a notation writes them."""

    def __init__(self, notation: Notation, frames: Mapping[str, Frame]) -> None:
        self.notation = notation
        self.frames = frames
        self.hidden = hidden_kinds(frames) - set(notation.always)
        self._axes = {role: self._shown(role, frame) for role, frame in frames.items()}
        self._together = {role: self._runs_together(role) for role in frames}

    def parts(self, role: str, index: Parts) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """The shown index parts, counted from the notation's base: leading and spatial."""
        leading_axes, spatial_axes = self._axes[role]
        base = self.notation.base
        if self.notation.style == "flat" and spatial_axes:
            flat = _flat(index, spatial_axes, self.frames[role].shape)
            return self._counted(index, leading_axes), (
                flat + base if isinstance(flat, int) else flat,
            )
        return self._counted(index, leading_axes), self._counted(index, spatial_axes)

    def index_of(self, role: str, numbers: Sequence[int]) -> Index | None:
        """The canonical index with these shown numbers, or None where they are not as many."""
        frame = self.frames[role]
        leading, spatial = self._axes[role]
        values = [number - self.notation.base for number in numbers]
        flat = self.notation.style == "flat" and bool(spatial)
        if len(values) != len(leading) + (1 if flat else len(spatial)):
            return None
        if flat:
            place = values.pop()
            coordinates: list[int] = []
            for axis in reversed(spatial):
                place, coordinate = divmod(place, frame.shape[axis])
                coordinates.insert(0, coordinate)
            # What is left over lies beyond the plane: keep it visible as out of range.
            coordinates[0] += place * frame.shape[spatial[0]]
            values += coordinates
        by_axis = dict(zip((*leading, *spatial), values, strict=True))
        return tuple(by_axis.get(axis, 0) for axis in range(len(frame.shape)))

    def shown_axes(self, frame: Frame) -> set[int]:
        """The canonical axes of which the notation shows the index."""
        role = next(role for role, own in self.frames.items() if own is frame)
        leading, spatial = self._axes[role]
        return {*leading, *spatial}

    def index_count(self, role: str) -> int:
        """How many index numbers an entry of the array shows."""
        leading, spatial = self._axes[role]
        flat = self.notation.style == "flat" and bool(spatial)
        return len(leading) + (1 if flat else len(spatial))

    def same_form(self, role: str) -> bool:
        """Whether all entries are written alike: none has more digits than may run together."""
        if self.notation.style != "paren":
            return True
        shape = self.frames[role].shape
        return all(shape[axis] - 1 + self.notation.base <= 9 for axis in self._axes[role][0])

    def numbering(self, role: str) -> Callable[[Index], Index]:
        """From a canonical index to the numbers that are shown."""
        leading, spatial = self._axes[role]
        base, shape = self.notation.base, self.frames[role].shape
        if self.notation.style == "flat" and spatial:
            return lambda index: (
                *(index[axis] + base for axis in leading),
                _flat(index, spatial, shape) + base,  # type: ignore[operator]
            )
        axes = (*leading, *spatial)
        if base == 0 and axes == tuple(range(len(shape))):
            return lambda index: index
        return lambda index: tuple([index[axis] + base for axis in axes])

    def runs_together(self, role: str) -> bool:
        """Whether the array's subscripts are written without separators (X12)."""
        return self._together[role]

    def _counted(self, index: Parts, axes: Index) -> tuple[Part, ...]:
        base = self.notation.base
        return tuple(
            part + base if isinstance(part, int) else part for part in (index[a] for a in axes)
        )

    def _shown(self, role: str, frame: Frame) -> tuple[Index, Index]:
        """The axes of the subscripts before the place, and of the place."""
        if self.notation.style == "brackets":
            return frame.layout.order, ()
        leading = [a for a, kind in enumerate(frame.kinds) if kind not in self.hidden | {"s"}]
        if role == "W" and self.notation.style in ("paren", "layered"):
            # Diba's and lecture 12's filters name the input channel first: W_μν, w_l(m, n, i, j).
            leading.sort(key=lambda axis: {"c": 0, "k": 1}.get(frame.kinds[axis], 2))
        if frame.kinds == "k" and self.notation.style in ("flat", "brackets"):
            leading = [0]
        return tuple(leading), frame.spatial

    def _runs_together(self, role: str) -> bool:
        frame = self.frames[role]
        leading, spatial = self._axes[role]
        largest = max((frame.shape[axis] - 1 for axis in (*leading, *spatial)), default=0)
        channels = bool(leading) and len(leading) + len(spatial) > 1
        return not channels and (largest + self.notation.base <= 9 or len(spatial) == 1)


def hidden_kinds(frames: Mapping[str, Frame]) -> set[str]:
    """Kinds of index with one value only: the batch, the transforms, and the channels of both
    sides together, so that X[c, …] and W[k, …] are never told apart by guessing."""
    largest = dict.fromkeys("nckt", 1)
    for frame in frames.values():
        for size, kind in zip(frame.shape, frame.kinds, strict=True):
            largest[kind] = max(largest.get(kind, 1), size)
    channels = max(largest["c"], largest["k"])
    return {k for k in "nt" if largest[k] == 1} | ({"c", "k"} if channels == 1 else set())


def single(parts: Parts) -> bool:
    """Whether every part is one digit or letter, so that they may run together."""
    return all(len(str(part)) == 1 for part in parts)


def _flat(index: Parts, axes: Index, shape: Index) -> Part:
    place = 0
    for axis in axes:
        part = index[axis]
        if isinstance(part, str):
            return part
        place = place * shape[axis] + part
    return place
