"""A notation bound to a layer: the glyph of any entry, plane, gradient or whole array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.glyph import Glyph, Quotient
from convgrad_cli.derivation.subscripts import Subscripts, single

if TYPE_CHECKING:
    from convgrad_cli.derivation.glyph import Atom, Part, Parts
    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.derivation.notation import Notation


class Names(Subscripts):
    """What a notation calls a layer's arrays, their entries and the gradients of these.

    Index parts are numbers from 0 or, in general formulas, letters.
    """

    def __init__(self, notation: Notation, traced: Traced) -> None:
        super().__init__(notation, traced.frames)
        self.traced = traced
        self._letters = {
            role: notation.letter(role, traced.operation) for role in (*self.frames, "X", "W", "Y")
        }

    def letter(self, role: str) -> str:
        """The letter of an array's entries."""
        return self._letters.get(role, role)

    def entry(self, role: str, index: Parts) -> Glyph:
        """An entry of an array."""
        leading, spatial = self.parts(role, index)
        letter = self.letter(role)
        match self.notation.style:
            case "brackets":
                return Glyph(letter, args=(*leading, *spatial), brackets="[]")
            case "paren":
                return Glyph(letter, leading, spatial, together=single(leading))
            case "layered":
                return self._layered(role, (*leading, *spatial))
            case "flat":
                parts = (*leading, *spatial)
                return Glyph(letter, parts, together=len(parts) == 1)
        parts = (*leading, *spatial)
        symbolic = any(isinstance(part, str) for part in parts)
        together = single(parts) if symbolic else self._together[role]
        return Glyph(letter, parts, together=together, underscore=symbolic)

    def plane(self, role: str, index: Parts, *, leading: bool = True) -> Glyph:
        """One plane of an array: the indices that are not spatial (or none of them)."""
        letter = self.letter(role)
        inside = self.frames[role].spatial
        shown = [axis for axis in self._axes[role][0] if leading and axis not in inside]
        parts = self._counted(index, tuple(shown))
        match self.notation.style:
            case "brackets":
                return Glyph(letter, args=parts, brackets="[]")
            case "layered":
                return self._layered(role, parts)
            case "flat" if role != "b":
                letter = letter.upper()
        return Glyph(letter, parts, together=single(parts))

    def _layered(self, role: str, parts: tuple[Part, ...]) -> Glyph:
        """Lecture 12 counts layers: w_l(…), Y(l−1, …), z(l, …)."""
        letter = self.letter(role)
        if role == "W":
            return Glyph(letter, ("l",), parts)
        return Glyph(letter, (), ("l−1" if role == "X" else "l", *parts))

    def whole(self, role: str) -> Glyph:
        """The whole array."""
        return self.plane(role, (0,) * len(self.frames[role].shape), leading=False)

    def gradient(self, role: str, index: Parts) -> Atom:
        """The gradient of the loss with respect to an entry."""
        return self._gradient(self.entry(role, index))

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

    def _gradient(self, glyph: Glyph) -> Atom:
        match self.notation.gradient:
            case "prefix":
                return glyph._replace(prefix="d")
            case "prime":
                return glyph._replace(prime=True)
        return Quotient(Glyph(self.notation.loss), glyph)
