"""One equation: what it is about, and each of its other sides against the right one.

A side may be the sum of products, the chain rule's sum, the same with the numbers of some arrays
put in, numbers alone, or a max pool's ``max(…)``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_match import Matcher, Side, resolved
from convgrad_cli.check.equations_numbers import judge_numbers, put_in
from convgrad_cli.check.equations_parse import Budget, Monomial, Parser
from convgrad_cli.check.equations_report import (
    RIGHT,
    UNCHECKED,
    UNREADABLE,
    WRONG,
    EquationReport,
    Problem,
)
from convgrad_cli.check.equations_symbols import Factor, Local, Symbol, Symbols
from convgrad_cli.check.equations_text import OPENING, Span, Statement, Token, Unreadable
from convgrad_cli.derivation import TracedMaxPool
from convgrad_cli.geometry import window_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.check.equations_truth import Sum, Truth

NOT_GIVEN = "the numbers were not checked: that needs the layer's arrays"


class Read(NamedTuple):
    """A side as it was read."""

    monomials: list[Monomial]
    maximum: bool
    start: Span
    end: Span


class Subject(NamedTuple):
    """What an equation is about, and which side says it."""

    factor: Factor
    side: int


class Judge:
    """Judges equations in one notation."""

    def __init__(self, truth: Truth, budget: Budget | None = None) -> None:
        self.truth = truth
        self.symbols = Symbols(truth.names, truth.writer)
        self.budget = budget or Budget()

    def judge(self, statement: Statement) -> EquationReport:
        """The equation's verdict."""
        report = EquationReport(statement.line, UNREADABLE)
        try:
            sides = list(self._sides(statement))
        except Unreadable as place:
            report.problems.append(_unreadable(place))
            return report
        read = [self._read(*side, report) for side in sides]
        try:
            subject = self._subject(read)
        except Unreadable as place:
            report.problems.append(_unreadable(place))
        else:
            if subject is not None:
                others = [side for number, side in enumerate(read) if number != subject.side]
                judged = [self._judged(subject.factor, side, report) for side in others if side]
                report.verdict = _verdict(report, judged)
                self._describe(report, subject.factor)
            elif not report.problems:
                report.problems.append(self._about_nothing(read))
        report.problems.sort(key=lambda problem: problem.span)
        return report

    def _sides(self, statement: Statement) -> Iterator[tuple[list[Token], Span]]:
        """The tokens between the equal signs, and where each side ends."""
        if not any(token.text == "=" for token in statement.tokens):
            after = _after(statement.tokens[-1].span)
            raise Unreadable(after, "an equation: = and its right side", "the end of the line")
        for token in statement.tokens:
            if token.kind == "sum":
                expected = "the sum written out, one product after the other"
                raise Unreadable(token.span, expected, token.text)
        side: list[Token] = []
        for token in statement.tokens:
            if token.kind == "op" and token.text == "=":
                yield side, token.span
                side = []
            else:
                side.append(token)
        yield side, _after(statement.tokens[-1].span)

    def _read(self, tokens: list[Token], end: Span, report: EquationReport) -> Read | None:
        """A side, or None and a problem."""
        try:
            if not tokens:
                raise Unreadable(end, "a side of the equation", "nothing")
            start, after = tokens[0].span, _after(tokens[-1].span)
            maximum = tokens[0].text == "max" and len(tokens) > 1 and tokens[1].text in OPENING
            if maximum:
                return Read(list(self._members(tokens, after)), True, start, after)
            return Read(self._parser(tokens, after).side(), False, start, after)
        except Unreadable as place:
            report.problems.append(_unreadable(place))
            return None

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

    def _subject(self, read: list[Read | None]) -> Subject | None:
        """The first side that is a gradient, an output or a local gradient alone; else the first
        that is a symbol alone, of which the number can be checked."""
        alone = [
            (number, side.monomials[0].factors[0])
            for number, side in enumerate(read)
            if side is not None and _is_alone(side)
        ]
        for number, placed in alone:
            factor = placed.factor
            derived = isinstance(factor, Local) or self.truth.target(factor) is not None
            if derived or len(alone) == 1:
                self._must_exist(factor, placed.span)
                return Subject(factor, number)
        return None

    def _must_exist(self, factor: Factor, span: Span) -> None:
        truth = self.truth
        symbols = [Symbol(False, factor.role, factor.index)]
        if isinstance(factor, Local):
            symbols.append(Symbol(False, truth.traced.upstream, factor.output))
        for symbol in symbols:
            if not truth.exists(symbol.role, symbol.index):
                expected = self.symbols.indices.example(symbol.role)
                found = truth.text(symbol)
                text = f"there is no {found}: {expected} is all there is"
                raise Unreadable(span, expected, found, text)

    def _describe(self, report: EquationReport, subject: Factor) -> None:
        report.subject = self.truth.text(subject)
        target = self.truth.target(subject)
        derived = target is not None or isinstance(subject, Local)
        if derived and report.verdict != RIGHT:
            report.right = self.truth.equation(subject)
        if target is not None:
            frame = self.truth.traced.frames[subject.role]
            report.element = (target, frame.layout.given_index(subject.index))

    def _about_nothing(self, read: list[Read | None]) -> Problem:
        first = next(side for side in read if side is not None)
        example = self.truth.text(self._example())
        expected = f"on the left one element that is derived, such as {example}"
        return _unreadable(Unreadable(first.start, expected, "an equation of something else"))

    def _example(self) -> Symbol:
        role = next(iter(self.truth.gradients), self.truth.traced.upstream)
        shape = self.truth.traced.frames[role].shape
        return Symbol(role in self.truth.gradients, role, (0,) * len(shape))

    def _judged(self, subject: Factor, read: Read, report: EquationReport) -> bool:
        """Judge one side; False where nothing could be said about it."""
        try:
            return self._side(subject, read, report)
        except Unreadable as place:
            report.problems.append(_unreadable(place))
            return False

    def _side(self, subject: Factor, read: Read, report: EquationReport) -> bool:
        if not isinstance(subject, Local) and self.truth.target(subject) is None:
            return judge_numbers(self.truth, subject, None, read, report)
        expected = self._window(subject, read) if read.maximum else self.truth.right(subject)
        side = resolved(self.truth, read.monomials)
        if not read.maximum and subject.role == self.truth.traced.upstream:
            expected = _with_or_without_bias(expected, side)
        in_numbers = not any(monomial.factors for monomial in read.monomials)
        if in_numbers and not read.maximum and expected and () not in expected:
            return judge_numbers(self.truth, subject, expected, read, report)
        problems = Matcher(self.truth, subject, expected, side, read.end).compare()
        if problems and not put_in(self.truth, expected, side):
            report.problems += problems
            report.notes += self._hints(subject, expected, side, problems)
        return True

    def _window(self, subject: Factor, read: Read) -> Sum:
        """The members of a max pool's window, once each."""
        traced = self.truth.traced
        ours = isinstance(subject, Symbol) and not subject.gradient
        if not (ours and isinstance(traced, TracedMaxPool)):
            raise Unreadable(read.start, "a sum: only a max pool's output is a maximum", "max")
        members = window_members(traced.plan.geometry, subject.index)
        return {(Symbol(False, "X", member.input),): Fraction(1) for member in members}

    def _hints(
        self, subject: Factor, expected: Sum, side: Side, problems: list[Problem]
    ) -> Iterator[str]:
        """What one idea explains all problems of a side."""
        from convgrad_cli.check.equations_hints import hints

        if len(problems) > 1:
            yield from hints(self.truth, subject, expected, side)


def _is_alone(side: Read) -> bool:
    if side.maximum or len(side.monomials) != 1:
        return False
    monomial = side.monomials[0]
    return monomial.coefficient == 1 and len(monomial.factors) == 1


def _with_or_without_bias(expected: Sum, side: Side) -> Sum:
    """A forward equation may carry the bias or leave it out."""
    if any(factor.role == "b" for product in side.products for factor in product.key):
        return expected
    return {key: c for key, c in expected.items() if all(factor.role != "b" for factor in key)}


def _verdict(report: EquationReport, judged: list[bool]) -> str:
    if any(problem.kind != "unreadable" for problem in report.problems):
        return WRONG
    if report.problems:
        return UNREADABLE
    if not all(judged):
        report.notes.append(NOT_GIVEN)
    return RIGHT if any(judged) else UNCHECKED


def _unreadable(place: Unreadable) -> Problem:
    return Problem("unreadable", place.span, place.found, place.expected, place.text)


def _after(span: Span) -> Span:
    return Span(span.line, span.end, span.end + 1)
