"""σ and σ′ in a text, by the lectures' names or the activation's own, of an entry or a number."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING

from convgrad_cli.check.equations_text import OPENING, Unreadable
from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME, TracedActivation

if TYPE_CHECKING:
    from collections.abc import Collection

    from convgrad_cli.check.equations_cursor import Cursor
    from convgrad_cli.check.equations_layer import Layer

WORDS = frozenset(("σ", "φ", "ϕ", "sigma", "phi", "act", "f", "g", "h"))
"""What the lectures call an activation, whichever it is."""


class Activation:
    """How the layer's activation may be written; nothing where it has none."""

    def __init__(self, layer: Layer, letters: Collection[str]) -> None:
        last = layer.parts[-1].traced
        self._traced = last if isinstance(last, TracedActivation) else None
        self._words: frozenset[str] = frozenset()
        if self._traced is not None:
            name = self._traced.name.replace("-", "")
            self._words = (WORDS | {name, name.replace("leaky", "l")}) - set(letters)
            self._example = layer.entry("Y", (0,) * len(layer.frames["Y"].shape), SIGMA)

    def __str__(self) -> str:
        return self._example

    def begins(self, cursor: Cursor) -> bool:
        """Whether σ stands here, with or without primes, and a bracket after it."""
        token = cursor.peek()
        if token.kind != "name" or not {token.text, token.text.lower()} & self._words:
            return False
        return cursor.at(*OPENING, ahead=1 + self._primes(cursor))

    def _primes(self, cursor: Cursor) -> int:
        """How many tokens after the name are its prime: ``′``, ``^′`` or ``^{′}``."""
        if cursor.peek(1).kind == "prime":
            return 1
        if not cursor.at("^", ahead=1):
            return 0
        if cursor.peek(2).kind == "prime":
            return 2
        return 4 if cursor.peek(3).kind == "prime" else 0

    def opened(self, cursor: Cursor) -> tuple[str, str]:
        """Take the function and its bracket; σ or σ′, and what closes it."""
        primes = self._primes(cursor)
        for _ in range(1 + primes):
            cursor.take()
        return (SIGMA_PRIME if primes else SIGMA), OPENING[cursor.take().text]

    def number(self, cursor: Cursor) -> Fraction | None:
        """σ of a number, ``σ(-2)``, taken and worked out; None where no such thing stands here."""
        if not self.begins(cursor):
            return None
        ahead = 2 + self._primes(cursor)
        sign = cursor.at("-", "+", ahead=ahead)
        number = cursor.peek(ahead + sign)
        if number.kind != "number":
            return None
        start = cursor.peek().span
        function, closing = self.opened(cursor)
        value = float(number.text) * (-1 if sign and cursor.peek().text == "-" else 1)
        for _ in range(1 + sign):
            cursor.take()
        cursor.expect(closing, closing)
        assert self._traced is not None
        found = self._traced.functions[function](value) if self._traced.functions else None
        if found is None or not isfinite(found):
            raise Unreadable(start, f"an entry, as in {self}", function)
        return Fraction(found)
