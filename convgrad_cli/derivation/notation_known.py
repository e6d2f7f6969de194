"""The lectures' notations, and a user's own letters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from convgrad_cli.derivation.notation import Notation, Variables
from convgrad_cli.derivation.notation_scripts import GREEK
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTATIONS = {
    notation.name: notation
    for notation in (
        Notation("slides", {"X": "X", "W": "F", "b": "B", "Y": "O"}, 1, "run"),
        Notation("recitation", {"X": "x", "W": "f", "b": "b", "Y": "y"}, 0, "run"),
        Notation(
            "tutorial",
            {"X": "a", "W": "w", "b": "b", "Y": "z"},
            1,
            "flat",
            "prime",
            pool_letters={"X": "z", "Y": "a"},
            activated="a",
        ),
        Notation(
            "diba",
            {"X": "q", "W": "W", "b": "b", "Y": "z"},
            0,
            "paren",
            "prefix",
            activated="q",
            variables=Variables(
                "s",
                "μ",
                "ν",
                output=("i", "j", "k"),
                kernel=("i", "j", "k"),
                input=("i", "j", "k"),
                output_for_input=("i′", "j′", "k′"),
                output_for_kernel=("i′", "j′", "k′"),
                kernel_for_output=("i′", "j′", "k′"),
            ),
        ),
        Notation(
            "lecture12",
            {"X": "Y", "W": "w", "b": "b", "Y": "z"},
            0,
            "layered",
            loss="Div",
            always="ck",
            activated="Y",
            variables=Variables(
                "s",
                "m",
                "n",
                output=("x", "y", "t"),
                kernel=("i", "j", "k"),
                input=("x", "y", "t"),
                output_for_input=("x′", "y′", "t′"),
            ),
        ),
        Notation("plain", {"X": "X", "W": "W", "b": "b", "Y": "Y"}, 0, "brackets"),
    )
}
"""The notations by name."""


def notation_named(
    name: str, symbols: Mapping[str, str] | None = None, base: int | None = None
) -> Notation:
    """The notation, with the user's own letters and first index where given.

    Raises UsageError for an unknown notation, array or base, and for letters that clash.
    """
    if name not in NOTATIONS:
        raise UsageError(f"Unknown notation {name!r}.", expected=f"one of {', '.join(NOTATIONS)}")
    notation = NOTATIONS[name]
    if base is not None:
        if base not in (0, 1):
            raise UsageError("Indices count from 0 or from 1.", found=f"base {base}")
        notation = replace(notation, base=base)
    return _with_letters(notation, symbols) if symbols else notation


def parse_symbols(text: str) -> dict[str, str]:
    """``X=A,W=K`` as a mapping; raises UsageError where it cannot be read."""
    pairs = [part.partition("=") for part in text.split(",")]
    for name, equals, letter in pairs:
        if not equals or not name.strip() or not letter.strip():
            raise UsageError(
                "--symbols cannot be read.", expected="for example X=A,W=K,Y=Z,b=c", found=text
            )
    names = [name.strip() for name, _, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"--symbols gives {twice[0]} twice.", found=text)
    return {name.strip(): letter.strip() for name, _, letter in pairs}


def _with_letters(notation: Notation, symbols: Mapping[str, str]) -> Notation:
    unknown = [role for role in symbols if role not in (*notation.letters, "A")]
    if unknown:
        raise UsageError(
            f"There is no array {unknown[0]!r} to give a symbol to.",
            expected=f"some of {', '.join(notation.letters)}, A",
        )
    for role, letter in symbols.items():
        if not (letter in GREEK or (letter.isascii() and letter.isalpha())):
            raise UsageError(
                f"{letter!r} cannot be the symbol of {role}.",
                expected="letters only, such as A, w or α; indices are added to them",
            )
    own = dict(notation.letters) | dict(symbols)
    if notation.loss in own.values():
        role = next(role for role, letter in own.items() if letter == notation.loss)
        raise UsageError(
            "The symbols clash.", found=f"{role}={notation.loss}, which already is the loss"
        )
    _all_different(own)
    notation = replace(notation, activated=own.pop("A", notation.activated))
    if notation.pool_letters is None:
        return replace(notation, letters=own)
    pool = dict(notation.pool_letters)
    pool |= {role: letter for role, letter in symbols.items() if role in pool}
    _all_different(pool)
    return replace(notation, letters=own, pool_letters=pool)


def _all_different(letters: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for role, letter in letters.items():
        if letter in taken:
            raise UsageError(
                "The symbols clash.",
                expected="a different symbol for each of X, W, b and Y",
                found=f"{letter} for both {taken[letter]} and {role}",
                remedy=f"give {taken[letter]} or {role} another symbol in --symbols",
            )
        taken[letter] = role
