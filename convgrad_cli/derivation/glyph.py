"""Symbols before they are written: a glyph with its indices, or a quotient of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Part: TypeAlias = "int | str"
Parts: TypeAlias = "Sequence[Part]"


class Glyph(NamedTuple):
    """One symbol: ``X`` with subscripts and arguments, perhaps primed, or with a d before it."""

    letter: str
    sub: tuple[Part, ...] = ()
    args: tuple[Part, ...] = ()
    together: bool = False
    """Whether the subscripts are written without commas."""
    underscore: bool = True
    """Whether plain text writes a_1 and not X11."""
    brackets: str = "()"
    prime: bool = False
    prefix: str = ""
    bold: bool = False


class Quotient(NamedTuple):
    """A partial derivative."""

    top: Glyph
    bottom: Glyph


Atom: TypeAlias = "Glyph | Quotient"
