"""The sides of an equation: what stands between the equal signs, read as products."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_parse import Budget, Monomial, Parser
from convgrad_cli.check.equations_text import OPENING, General, Span, Statement, Token, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.equations_symbols import Symbols

FUNCTIONS = frozenset(("conv", "sum", "pad", "padded", "rot", "dilate", "full"))
"""What a general formula is written with."""


class Read(NamedTuple):
    """A side as it was read."""

    monomials: list[Monomial]
    maximum: bool
    start: Span
    end: Span

    @property
    def alone(self) -> bool:
        """Whether it is one symbol and nothing else."""
        if self.maximum or len(self.monomials) != 1:
            return False
        monomial = self.monomials[0]
        return monomial.coefficient == 1 and len(monomial.factors) == 1


class Reader:
    """Reads sides, of all the statements of a text within one budget."""

    def __init__(self, symbols: Symbols, statements: Sequence[Statement]) -> None:
        self.symbols = symbols
        self.budget = Budget(sum(len(statement.tokens) for statement in statements))

    def sides(self, statement: Statement) -> Iterator[tuple[list[Token], Span]]:
        """The tokens between the equal signs, and where each side ends."""
        if not any(token.text == "=" for token in statement.tokens):
            after = behind(statement.tokens[-1].span)
            raise Unreadable(after, "an equation: = and its right side", "the end of the line")
        for token, follower in pairwise((*statement.tokens, statement.tokens[-1])):
            function = token.text in FUNCTIONS and follower.text in OPENING
            if token.kind == "sum" or function:
                expected = "the sum written out, one product after the other"
                raise General(token.span, expected, token.text)
        side: list[Token] = []
        for token in statement.tokens:
            if token.kind == "op" and token.text == "=":
                yield side, token.span
                side = []
            else:
                side.append(token)
        yield side, behind(statement.tokens[-1].span)

    def read(self, tokens: list[Token], end: Span) -> Read:
        """A side. Raises Unreadable."""
        if not tokens:
            raise Unreadable(end, "a side of the equation", "nothing")
        start, after = tokens[0].span, behind(tokens[-1].span)
        if tokens[0].text == "max" and len(tokens) > 1 and tokens[1].text in OPENING:
            return Read(list(self._members(tokens, after)), True, start, after)
        return Read(self._parser(tokens, after).side(), False, start, after)

    def _members(self, tokens: Sequence[Token], end: Span) -> Iterator[Monomial]:
        """What stands in ``max(…)``."""
        if tokens[-1].text != OPENING[tokens[1].text]:
            raise Unreadable(end, OPENING[tokens[1].text], "the end of the side")
        argument: list[Token] = []
        for token in (*tokens[2:-1], Token("op", ",", tokens[-1].span)):
            if token.text != ",":
                argument.append(token)
                continue
            if not argument:
                raise Unreadable(token.span, "a member of the window", token.text)
            yield from self._parser(argument, token.span).side()
            argument = []

    def _parser(self, tokens: Sequence[Token], end: Span) -> Parser:
        return Parser(tokens, end, self.symbols, self.budget)


def behind(span: Span) -> Span:
    """The place behind a place."""
    return Span(span.line, span.end, span.end + 1)
