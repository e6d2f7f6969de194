"""A place in a row of tokens, and what may stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.check.equations_text import Span, Token, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cursor:
    """A place in a row of tokens."""

    def __init__(self, tokens: Sequence[Token], end: Span) -> None:
        self.tokens = tokens
        self.place = 0
        self._end = Token("end", "", end)

    def peek(self, ahead: int = 0) -> Token:
        """The token so many places on; an ``end`` token behind the last."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else self._end

    def take(self) -> Token:
        """The token here, and one place on."""
        token = self.peek()
        self.place += 1
        return token

    @property
    def last(self) -> Token:
        """The token that was taken last."""
        return self.tokens[self.place - 1]

    def at(self, *texts: str, ahead: int = 0) -> bool:
        """Whether one of these operators stands here."""
        token = self.peek(ahead)
        return token.kind == "op" and token.text in texts

    def expect(self, text: str, meaning: str) -> Token:
        """Take this operator, or say what was expected."""
        if not self.at(text):
            raise self.unreadable(meaning)
        return self.take()

    def unreadable(self, expected: str) -> Unreadable:
        """Something else was expected here."""
        token = self.peek()
        return Unreadable(token.span, expected, token.text or "the end of the line")
