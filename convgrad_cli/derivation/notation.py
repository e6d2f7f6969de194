"""How a lecture names things: which letter, which subscripts, counted from where, and gradients.

A :class:`Notation` is data; :class:`Names` binds it to a layer, whose shapes decide which indices
are shown (a batch of one has no sample index, a single-channel layer no channel index) and whether
subscripts may run together. Names yields glyphs; scripts write them
(:mod:`convgrad_cli.derivation.notation_scripts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from convgrad_cli.derivation.glyph import Atom, Glyph, Part, Parts, Quotient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from convgrad_cli.derivation.model import Frame, Index, Traced

Style = Literal["run", "flat", "paren", "layered", "brackets"]


@dataclass(frozen=True)
class Variables:
    """The letters of running indices in general formulas."""

    sample: str = "s"
    channel: str = "c"
    filter: str = "k"
    output: tuple[str, str, str] = ("i", "j", "l")
    """Place in Y."""
    kernel: tuple[str, str, str] = ("m", "n", "p")
    """Place in W."""
    input: tuple[str, str, str] = ("m", "n", "p")
    """Place in X, where it is derived."""
    output_for_input: tuple[str, str, str] | None = None
    """Place in Y, where X is derived, if the output's own letters are taken."""
    output_for_kernel: tuple[str, str, str] | None = None
    """Place in Y, where W is derived, if the output's own letters are taken."""
    kernel_for_output: tuple[str, str, str] | None = None
    """Place in W in the forward pass, if the filter's own letters are taken."""

    def of_target(self, target: str) -> tuple[str, str, str]:
        """The letters of the element that is derived."""
        return {"Y": self.output, "dX": self.input}.get(target, self.kernel)

    def summed(self, target: str) -> tuple[str, str, str]:
        """The letters that are summed over: places in Y for a gradient, in W for Y itself."""
        own = {
            "Y": self.kernel_for_output,
            "dX": self.output_for_input,
            "dW": self.output_for_kernel,
        }
        return own.get(target) or (self.kernel if target == "Y" else self.output)


@dataclass(frozen=True)
class Notation:
    """One lecture's way of writing."""

    name: str
    letters: Mapping[str, str]
    base: int
    style: Style
    gradient: Literal["quotient", "prefix", "prime"] = "quotient"
    loss: str = "L"
    always: str = ""
    """Kinds of index shown even where there is only one value."""
    pool_letters: Mapping[str, str] | None = None
    activated: str = "A"
    """The letter of an activation's output, where the layer is an activation."""
    variables: Variables = Variables()

    def letter(self, role: str, operation: str) -> str:
        """The letter of an array in a layer of this kind."""
        if role == "A":
            return self.activated
        pool = operation.endswith("pool") and self.pool_letters is not None
        letters = self.pool_letters if pool and self.pool_letters else self.letters
        return letters.get(role, role)


class Names:
    """A notation bound to a layer: the glyph of any entry, gradient or local derivative."""

    def __init__(self, notation: Notation, traced: Traced) -> None:
        self.notation = notation
        self.traced = traced
        self.frames = traced.frames
        self._letters = {
            role: notation.letter(role, traced.operation) for role in (*self.frames, "X", "W", "Y")
        }
        self.hidden = hidden_kinds(self.frames) - set(notation.always)
        self._axes = {
            role: self._shown(role, frame, self.hidden) for role, frame in self.frames.items()
        }
        self._together = {role: self._runs_together(role) for role in self.frames}

    def letter(self, role: str) -> str:
        """The letter of an array's entries."""
        return self._letters.get(role, role)

    def entry(self, role: str, index: Parts) -> Glyph:
        """An entry of an array; index parts may be numbers (from 0) or letters."""
        leading, spatial = self.parts(role, index)
        letter = self.letter(role)
        match self.notation.style:
            case "brackets":
                return Glyph(letter, args=(*leading, *spatial), brackets="[]")
            case "paren":
                return Glyph(letter, leading, spatial, together=_single(leading))
            case "layered":
                if role == "W":
                    return Glyph(letter, ("l",), (*leading, *spatial))
                layer = "l−1" if role == "X" else "l"
                return Glyph(letter, (), (layer, *leading, *spatial))
            case "flat":
                parts = (*leading, *spatial)
                return Glyph(letter, parts, together=len(parts) == 1)
        parts = (*leading, *spatial)
        symbolic = any(isinstance(part, str) for part in parts)
        together = _single(parts) if symbolic else self._together[role]
        return Glyph(letter, parts, together=together, underscore=symbolic)

    def gradient(self, role: str, index: Parts) -> Atom:
        """The gradient of the loss with respect to an entry."""
        return self._gradient(self.entry(role, index))

    def whole(self, role: str) -> Glyph:
        """The whole array."""
        return self.plane(role, (0,) * len(self.frames[role].shape), leading=False)

    def plane(self, role: str, index: Parts, *, leading: bool = True) -> Glyph:
        """One plane of an array: the indices that are not spatial (or none of them)."""
        letter = self.letter(role)
        shown = [a for a in self._axes[role][0] if leading and a not in self.frames[role].spatial]
        parts = self._counted(index, tuple(shown))
        match self.notation.style:
            case "brackets":
                return Glyph(letter, args=parts, brackets="[]")
            case "layered":
                layer = "l−1" if role == "X" else "l"
                return (
                    Glyph(letter, ("l",), parts)
                    if role == "W"
                    else Glyph(letter, (), (layer, *parts))
                )
            case "flat":
                return Glyph(
                    letter.upper() if role != "b" else letter, parts, together=_single(parts)
                )
        return Glyph(letter, parts, together=_single(parts))

    def plane_gradient(self, role: str, index: Parts) -> Atom:
        """The gradient with respect to one plane."""
        return self._gradient(self.plane(role, index))

    def whole_gradient(self, role: str) -> Atom:
        """The gradient with respect to the whole array."""
        return self._gradient(self.whole(role))

    def target(self, target: str, index: Parts) -> Atom:
        """An element of what is derived: an output's entry or a gradient."""
        role = self.traced.targets[target]
        return self.entry(role, index) if role == target else self.gradient(role, index)

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

    def _gradient(self, glyph: Glyph) -> Atom:
        match self.notation.gradient:
            case "prefix":
                return glyph._replace(prefix="d")
            case "prime":
                return glyph._replace(prime=True)
        return Quotient(Glyph(self.notation.loss), glyph)

    def _shown(self, role: str, frame: Frame, hidden: set[str]) -> tuple[Index, Index]:
        if self.notation.style == "brackets":
            return frame.layout.order, ()
        leading = [a for a, kind in enumerate(frame.kinds) if kind not in hidden | {"s"}]
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


def _single(parts: Parts) -> bool:
    return all(len(str(part)) == 1 for part in parts)


def _flat(index: Parts, axes: Index, shape: Index) -> Part:
    place = 0
    for axis in axes:
        part = index[axis]
        if isinstance(part, str):
            return part
        place = place * shape[axis] + part
    return place


__all__ = [
    "Atom",
    "Glyph",
    "Names",
    "Notation",
    "Part",
    "Parts",
    "Quotient",
    "Variables",
    "hidden_kinds",
]
