"""Symbols of an equation: an array's entry, a gradient, a local gradient, in any notation.

    ∂L/∂X21   dL/dX_{2,1}   \\frac{\\partial L}{\\partial X_{21}}   X′21   dX21   dL_dX21
    ∂O11/∂F11   z'_5   q_0(1,2)   w_l(0,0,1,1)   X[2,1]   σ(O11)   relu'(O11)

Every way of writing a gradient is read in every notation; the letters are the notation's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from convgrad_cli.check.equations_activation import Activation
from convgrad_cli.check.equations_index import Indices
from convgrad_cli.check.equations_marks import Marks
from convgrad_cli.check.equations_text import Span, Token, Unreadable

if TYPE_CHECKING:
    from convgrad_cli.check.equations_cursor import Cursor
    from convgrad_cli.check.equations_layer import Layer
    from convgrad_cli.derivation import Index

LOSSES = frozenset(("L", "l", "ℓ", "J", "E", "Loss", "loss", "Div", "div", "Cost", "cost"))


LONGEST_SYMBOL = 60
"""Tokens within which the end of a derivative's numerator is looked for."""


class Symbol(NamedTuple):
    """An entry of an array, the gradient with respect to it, or a function (σ, σ′) of it."""

    gradient: bool
    role: str
    index: Index  # type: ignore[assignment]
    function: str = ""


class Local(NamedTuple):
    """The derivative of an output's entry with respect to another entry: ∂O11/∂F11."""

    above: str
    """The output's array."""
    output: Index
    role: str
    index: Index  # type: ignore[assignment]


Factor: TypeAlias = "Symbol | Local"


class Placed(NamedTuple):
    """A factor and where it stands."""

    factor: Factor
    span: Span


class Name(NamedTuple):
    """A letter as it stands, with or without a ∂ or d before it."""

    marked: bool
    text: str
    token: Token


class Symbols:
    """Reads symbols by the letters of a notation."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.indices = Indices(layer)
        self.roles = {layer.letter(role): role for role in layer.frames}
        self.losses = (LOSSES | {layer.notation.loss}) - self.roles.keys()
        self.activation = Activation(layer, self.roles)

    def begins(self, cursor: Cursor) -> bool:
        """Whether a symbol stands here."""
        kind = cursor.peek().kind
        return kind in ("d", "name") or (kind == "frac" and self._is_derivative(cursor))

    def read(self, cursor: Cursor) -> Placed:
        """The symbol here. Raises Unreadable."""
        start = cursor.peek().span
        if self.activation.begins(cursor):
            factor: Factor = self._applied(cursor)
            return Placed(factor, Span(start.line, start.column, _end(start, cursor.last.span)))
        factor = self._quotient(cursor) if cursor.peek().kind == "frac" else self._line(cursor)
        end = cursor.last.span
        return Placed(factor, Span(start.line, start.column, _end(start, end)))

    def _applied(self, cursor: Cursor) -> Symbol:
        """``σ(O11)``, ``σ′(O11)``."""
        function, closing = self.activation.opened(cursor)
        alone = f"one entry of the pre-activation alone, as in {self.activation}"
        if cursor.peek().kind != "name" or cursor.peek().text not in self.roles:
            raise cursor.unreadable(alone)
        entry = self._entry(self._name(cursor), cursor)
        if entry.gradient or not cursor.at(closing):
            raise cursor.unreadable(alone)
        cursor.take()
        return entry._replace(function=function)

    def _quotient(self, cursor: Cursor) -> Factor:
        """``\\frac{\\partial A}{\\partial B}``."""
        cursor.take()
        cursor.expect("{", "{")
        above = self._name(cursor)
        output = None if self._is_loss(above, cursor) else self._entry(above, cursor)
        cursor.expect("}", "}")
        cursor.expect("{", "{")
        factor = self._below(output, above, cursor)
        cursor.expect("}", "}")
        return factor

    def _line(self, cursor: Cursor) -> Factor:
        """``∂A/∂B``, ``dA``, ``A′`` or ``A``."""
        above = self._name(cursor)
        if self._is_loss(above, cursor):
            if not cursor.at("/", "_"):
                raise cursor.unreadable(f"/∂ and what {above.text} is derived by")
            cursor.take()
            return self._below(None, above, cursor)
        entry = self._entry(above, cursor)
        if above.marked and cursor.at("/", "_") and self._marked(cursor, 1):
            cursor.take()
            return self._below(entry, above, cursor)
        return entry._replace(gradient=True) if above.marked else entry

    def _below(self, output: Symbol | None, above: Name, cursor: Cursor) -> Factor:
        """The lower half of a derivative."""
        if not self._marked(cursor, 0):
            raise cursor.unreadable("∂ and a symbol")
        below = self._entry(self._name(cursor), cursor)
        if output is None:
            return below._replace(gradient=True)
        if output.role not in self.layer.outputs or output.gradient or below.gradient:
            letters = " or ".join(self.layer.letter(role) for role in self.layer.outputs)
            raise Unreadable(
                above.token.span,
                f"the derivative of the loss or of an output ({letters})",
                above.token.text,
            )
        return Local(output.role, output.index, below.role, below.index)

    def _name(self, cursor: Cursor) -> Name:
        """A letter with or without ∂; ``dX`` is d and X unless the notation has a letter dX."""
        token = cursor.take()
        if token.kind == "d" or (token.text == "d" and self._lone_d(cursor)):
            follower = cursor.peek()
            if follower.kind != "name":
                raise cursor.unreadable("a symbol after ∂")
            return Name(True, cursor.take().text, follower)
        text = token.text
        if token.kind == "name" and text not in self.roles and text[0] == "d" and len(text) > 1:
            rest, (line, column, end) = text[1:], token.span
            if rest in self.roles or rest in self.losses:
                return Name(True, rest, Token("name", rest, Span(line, column + 1, end)))
        return Name(False, text, token)

    def _lone_d(self, cursor: Cursor) -> bool:
        return "d" not in self.roles and cursor.peek().kind == "name"

    def _marked(self, cursor: Cursor, ahead: int) -> bool:
        """Whether a ∂ or d stands so many tokens on."""
        token = cursor.peek(ahead)
        if token.kind != "name":
            return token.kind == "d"
        return token.text[0] == "d" and token.text not in self.roles

    def _is_loss(self, name: Name, cursor: Cursor) -> bool:
        return name.marked and name.text in self.losses

    def _is_derivative(self, cursor: Cursor) -> bool:
        """Whether the fraction here is a derivative: ∂ or d both above and below."""
        if not (cursor.at("{", ahead=1) and self._marked(cursor, 2)):
            return False
        depth, ahead = 1, 2
        while depth and ahead < LONGEST_SYMBOL and cursor.peek(ahead).kind != "end":
            depth += cursor.at("{", ahead=ahead) - cursor.at("}", ahead=ahead)
            ahead += 1
        return cursor.at("{", ahead=ahead) and self._marked(cursor, ahead + 1)

    def _entry(self, name: Name, cursor: Cursor) -> Symbol:
        """The subscripts, arguments and primes after a letter."""
        role = self.roles.get(name.text)
        if role is None:
            letters = ", ".join(self.roles)
            raise Unreadable(name.token.span, f"one of the letters {letters}", name.token.text)
        marks = Marks(self.indices, role)
        while marks.read(cursor):
            pass
        start, end = name.token.span, cursor.last.span
        span = Span(start.line, start.column, _end(start, end))
        text = name.token.text + "".join(marks.texts)
        index = self.indices.index(role, marks.digits, marks.numbers, span, text)
        return Symbol(marks.prime, role, index)


def _end(start: Span, end: Span) -> int:
    """The last column, as far as it is on the first line."""
    return end.end if end.line == start.line else start.end
