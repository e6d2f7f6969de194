"""From the subscripts of a symbol to the entry it names, however they are written.

``X21`` ``X_21`` ``X_{2,1}`` ``X[2,1]`` ``q_0(1,2)`` ``w_l(0,0,1,1)``: in every notation each form
is read. Digits that run together are parted where that can be done in one way only.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_text import General, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.check.equations_layer import Layer
    from convgrad_cli.check.equations_text import Span
    from convgrad_cli.derivation import Index

MOST_DIGITS = 12
"""Digits that are tried to be parted."""


class Reading(NamedTuple):
    """One way of counting an array's indices: how many there are, and what they mean."""

    numbers: int
    index_of: Callable[[list[int]], Index | None]


class Indices:
    """Reads the indices of a layer's arrays in a notation."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.seen: set[str] = set()
        """What indices were read: ``below`` the first, ``first``, ``beyond`` the last."""
        self._shown = {role: self._axes(role) for role in layer.frames}
        self._readings = {role: list(self._ways(role)) for role in layer.frames}

    def _axes(self, role: str) -> set[int]:
        """The axes of which the notation shows the index."""
        part, _ = self.layer.place(role)
        return part.names.shown_axes(self.layer.frames[role])

    def complete(self, role: str, digits: list[str], numbers: list[int]) -> bool:
        """Whether the indices read so far are all that an entry needs."""
        if not digits and not numbers:
            return False
        given = len(digits) + len(numbers)
        if any(reading.numbers == given for reading in self._readings[role]):
            return True
        # q_11(3) is one subscript and one argument, X11(…) two subscripts and a factor.
        runs = len(digits) == 1 and self.layer.notation.style not in ("paren", "layered")
        return runs and any(
            reading.numbers == len(numbers) + len(digits[0]) for reading in self._readings[role]
        )

    def index(
        self, role: str, digits: list[str], numbers: list[int], span: Span, text: str
    ) -> Index:
        """The canonical index, which may lie outside the array.

        digits: subscripts as written, each perhaps several numbers run together; numbers: the rest.
        Raises Unreadable where they are not as many as needed, or can be parted in several ways.
        """
        given = [int(part) for part in digits if len(part) <= MOST_DIGITS] + numbers
        long = any(len(part) > MOST_DIGITS for part in digits)
        if not long:
            found = self._plainly(role, digits, numbers, given)
            if found is None and len(digits) == 1:
                found = self._parted(role, digits[0], numbers, span, text)
            if found is not None:
                return self._noted(role, found)
        kind = Unreadable if given or long else General
        raise kind(span, self.example(role), text)

    def _plainly(
        self, role: str, digits: list[str], numbers: list[int], given: list[int]
    ) -> Index | None:
        """As many numbers as are needed, or digits that run together, one each."""
        for reading in self._readings[role]:
            for whole in (given, [*map(int, digits[0]), *numbers] if len(digits) == 1 else given):
                if reading.numbers == len(whole):
                    found = reading.index_of(whole)
                    if found is not None:
                        return found
        return None

    def _noted(self, role: str, index: Index) -> Index:
        """The index; remembered is where it lies, which tells from where the text counts."""
        for axis, (part, size) in enumerate(zip(index, self.layer.frames[role].shape, strict=True)):
            if axis in self._shown[role]:
                place = "below" if part < 0 else "first" if part == 0 else ""
                self.seen.add("beyond" if part >= size else place)
        return index

    def inside(self, role: str, index: Index) -> bool:
        """Whether the array has such an entry."""
        shape = self.layer.frames[role].shape
        return all(0 <= part < size for part, size in zip(index, shape, strict=True))

    def example(self, role: str) -> str:
        """``X11 to X33``: the labels of the array's entries."""
        shape = self.layer.frames[role].shape
        first = self.layer.entry(role, (0,) * len(shape))
        last = self.layer.entry(role, tuple(size - 1 for size in shape))
        return first if first == last else f"{first} to {last}"

    def _parted(self, role: str, run: str, numbers: list[int], span: Span, text: str) -> Index:
        """Digits that run together: the only way to part them inside the array."""
        ways = list(dict.fromkeys(self._ways_to_part(role, run, numbers)))
        if len(ways) == 1:
            return ways[0]
        if ways:
            meant = " or ".join(self.layer.entry(role, way) for way in ways[:3])
            raise Unreadable(span, f"{meant}: {text} can mean each of them", text)
        raise Unreadable(span, self.example(role), text)

    def _ways_to_part(self, role: str, run: str, numbers: list[int]) -> Iterator[Index]:
        for reading in self._readings[role]:
            parts = reading.numbers - len(numbers)
            if not 2 <= parts < len(run):
                continue
            for cuts in combinations(range(1, len(run)), parts - 1):
                places = [0, *cuts, len(run)]
                pieces = [run[a:b] for a, b in pairwise(places)]
                if any(len(piece) > 1 and piece[0] == "0" for piece in pieces):
                    continue
                found = reading.index_of([*map(int, pieces), *numbers])
                if found is not None and self.inside(role, found):
                    yield found

    def _ways(self, role: str) -> Iterator[Reading]:
        """How the notation counts first; then with every index, or without those of size 1."""
        frame = self.layer.frames[role]
        part, own = self.layer.place(role)
        yield Reading(
            part.names.index_count(own), lambda numbers: part.names.index_of(own, numbers)
        )
        shown = [axis for axis in range(len(frame.shape)) if axis in self._shown[role]]
        leading = [axis for axis in shown if axis not in frame.spatial]
        many = [axis for axis in leading if frame.shape[axis] > 1]
        every = list(range(len(frame.shape)))
        ways = [[*leading, *frame.spatial], every, [*many, *frame.spatial]]
        if not set(frame.spatial) <= set(frame.layout.order):
            ways.append(sorted(frame.layout.order))  # a pointwise filter, given without its 1×1
        for axes in ways:
            yield self._by_axes(role, axes)
        if prod(frame.shape) == 1:
            yield Reading(0, lambda _: (0,) * len(frame.shape))

    def _by_axes(self, role: str, axes: list[int]) -> Reading:
        base, rank = self.layer.notation.base, len(self.layer.frames[role].shape)

        def index(numbers: list[int]) -> Index:
            by_axis = dict(zip(axes, (number - base for number in numbers), strict=True))
            return tuple(by_axis.get(axis, 0) for axis in range(rank))

        return Reading(len(axes), index)
