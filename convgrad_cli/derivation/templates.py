"""Entries spelt by filling numbers into a template, so that a term costs a microsecond.

A template is made once per array and script by spelling one entry with marks in place of numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.glyph import Glyph, Quotient

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.derivation.glyph import Atom, Part
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.names import Names
    from convgrad_cli.derivation.notation_scripts import Script


class _Mark(int):
    """A number that spells itself as a digit found nowhere else (Arabic-Indic ones)."""

    def __str__(self) -> str:
        return chr(0x0660 + self)


def speller(
    names: Names, script: Script, role: str, *, gradient: bool = False
) -> Callable[[Index], str]:
    """Spells the entries of an array (or the gradients with respect to them)."""
    make = names.gradient if gradient else names.entry
    if not names.same_form(role):
        return lambda index: script.atom(make(role, index))
    zeros = (0,) * len(names.frames[role].shape)
    template = script.atom(_marked(make(role, zeros))).replace("%", "%%")
    count = names.index_count(role)
    for place in range(count):
        template = template.replace(str(_Mark(place)), "%d")
    numbers = names.numbering(role)
    return lambda index: template % numbers(index)


def _marked(atom: Atom) -> Atom:
    if isinstance(atom, Quotient):
        return Quotient(atom.top, _marked_glyph(atom.bottom))
    return _marked_glyph(atom)


def _marked_glyph(glyph: Glyph) -> Glyph:
    marks = iter(range(len(glyph.sub) + len(glyph.args)))

    def marked(parts: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(_Mark(next(marks)) if isinstance(p, int) else p for p in parts)

    return glyph._replace(sub=marked(glyph.sub), args=marked(glyph.args))
