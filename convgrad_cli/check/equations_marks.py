"""What stands after a letter: subscripts, arguments and primes, gathered mark by mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.check.equations_text import OPENING, Token, Unreadable

if TYPE_CHECKING:
    from convgrad_cli.check.equations_cursor import Cursor
    from convgrad_cli.check.equations_index import Indices


class Marks:
    """The marks of one symbol: ``digits`` as written, perhaps several numbers run together, then
    ``numbers``; ``texts`` to repeat them in a message."""

    def __init__(self, indices: Indices, role: str) -> None:
        self.indices = indices
        self.role = role
        self.digits: list[str] = []
        self.numbers: list[int] = []
        self.texts: list[str] = []
        self.prime = False

    def read(self, cursor: Cursor) -> bool:
        """Read one more mark; False where there is none."""
        token, start = cursor.peek(), cursor.place
        if token.kind == "prime":
            cursor.take()
            self.prime = True
        elif token.kind == "sub" or (token.kind == "number" and self._attached(cursor)):
            self._digits(cursor.take())
        elif cursor.at("^"):
            self._raised(cursor)
        elif cursor.at("_"):
            self._lowered(cursor)
        elif cursor.at("[") or (cursor.at("(") and self._arguments_follow(cursor)):
            closing = OPENING[cursor.take().text]
            self._list(cursor, closing)
        else:
            return False
        self.texts += [token.text for token in cursor.tokens[start : cursor.place]]
        return True

    def _attached(self, cursor: Cursor) -> bool:
        return not self.digits and not self.numbers and cursor.peek().glued(cursor.last)

    def _digits(self, token: Token) -> None:
        if not token.text.isdigit():
            raise Unreadable(token.span, "a whole number as the index", token.text)
        self.digits.append(token.text)

    def _raised(self, cursor: Cursor) -> None:
        """``^{\\prime}``, or the layer's number ``^{(l-1)}``."""
        cursor.take()
        closings = []
        while cursor.at("{", "("):
            closings.append(OPENING[cursor.take().text])
        if cursor.peek().kind == "prime":
            cursor.take()
            self.prime = True
        elif cursor.peek().text in ("l", "L"):
            _layer(cursor)
        else:
            raise cursor.unreadable("a prime; a power is written as a product")
        for closing in reversed(closings):
            cursor.expect(closing, closing)

    def _lowered(self, cursor: Cursor) -> None:
        cursor.take()
        token = cursor.peek()
        if token.kind == "number":
            self._digits(cursor.take())
        elif token.kind == "name" and token.text == "l":
            cursor.take()
        elif cursor.at("{", "("):
            self._list(cursor, OPENING[cursor.take().text])
        elif token.glued(cursor.last) and token.kind != "end" and not cursor.at("*", "+", "-"):
            raise cursor.unreadable("an index after _")

    def _list(self, cursor: Cursor, closing: str) -> None:
        """``2,1}``: numbers between commas; one of several digits may be several indices."""
        digits: list[str] = []
        numbers: list[int] = []
        while not cursor.at(closing):
            token = cursor.peek()
            if token.kind == "number" and token.text.isdigit():
                digits.append(cursor.take().text)
            elif cursor.at("-") and cursor.peek(1).text.isdigit() and not cursor.peek(1).text[12:]:
                cursor.take()
                numbers.append(-int(cursor.take().text))
                digits.append("")
            elif token.text == "l":
                _layer(cursor)
            elif cursor.at(",") and cursor.last.text != ",":
                cursor.take()
            else:
                raise cursor.unreadable(f"a number or {closing}")
        cursor.take()
        if len(digits) == 1 and not numbers and not self.digits and not self.numbers:
            self.digits += digits
            return
        negative = iter(numbers)
        for text in digits:
            if len(text) > 12:
                raise Unreadable(cursor.last.span, "an index of the layer", text[:12] + "…")
            self.numbers.append(int(text) if text else next(negative))

    def _arguments_follow(self, cursor: Cursor) -> bool:
        """Whether the parenthesis here holds indices and not a factor: ``q(0,1)``, ``X11(…)``."""
        if self.indices.complete(self.role, self.digits, self.numbers):
            return False
        ahead = 1
        while not cursor.at(")", ahead=ahead):
            token = cursor.peek(ahead)
            number = token.kind == "number" and token.text.isdigit()
            if not (number or token.text == "l" or cursor.at(",", "-", ahead=ahead)) or ahead > 24:
                return False
            ahead += 1
        return ahead > 1


def _layer(cursor: Cursor) -> None:
    """``l`` or ``l-1``: the number of the layer says nothing new."""
    cursor.take()
    if cursor.at("-") and cursor.peek(1).text == "1":
        cursor.take()
        cursor.take()
