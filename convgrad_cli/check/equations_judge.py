"""One equation: what it is about, and each of its other sides against the right one.

A side may be the sum of products, the chain rule's sum, the same with the numbers of some arrays
put in, numbers alone, or a max pool's ``max(…)``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.check.equations_match import Matcher, Side, resolved
from convgrad_cli.check.equations_numbers import judge_numbers, put_in
from convgrad_cli.check.equations_report import (
    RIGHT,
    UNCHECKED,
    UNREADABLE,
    WRONG,
    EquationReport,
    Problem,
)
from convgrad_cli.check.equations_sides import Read, Reader
from convgrad_cli.check.equations_slopes import slope_of, written_out
from convgrad_cli.check.equations_symbols import Factor, Local, Symbol, Symbols
from convgrad_cli.check.equations_text import General, Span, Statement, Unreadable
from convgrad_cli.derivation import TracedMaxPool
from convgrad_cli.derivation.activation import TracedActivation
from convgrad_cli.geometry import window_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.equations_truth import Sum, Truth

GENERAL = "not checked: only elements are, with their sums written out term by term"
NOT_GIVEN = "the numbers were not checked: that needs the layer's arrays"


class Subject(NamedTuple):
    """What an equation is about, and which side says it."""

    factor: Factor
    side: int


class Judge:
    """Judges equations in one notation."""

    def __init__(self, truth: Truth, statements: Sequence[Statement] = ()) -> None:
        self.truth = truth
        self.symbols = Symbols(truth.layer)
        self.reader = Reader(self.symbols, statements)
        self.sides = 0
        """Sides that could be read."""

    def judge(self, statement: Statement) -> EquationReport:
        """The equation's verdict."""
        report = EquationReport(statement.line, UNREADABLE)
        try:
            self._judge(statement, report)
        except General:
            report.verdict = UNCHECKED
            report.problems.clear()
            report.notes.append(GENERAL)
        except Unreadable as place:
            report.problems.append(_unreadable(place))
        report.problems.sort(key=lambda problem: problem.span)
        return report

    def _judge(self, statement: Statement, report: EquationReport) -> None:
        read = self._read_sides(statement, report)
        subject = self._subject(read)
        if subject is not None:
            others = [side for number, side in enumerate(read) if number != subject.side]
            judged = [self._judged(subject.factor, side, report) for side in others if side]
            report.verdict = _verdict(report, judged)
            self._describe(report, subject.factor)
        elif not report.problems:
            raise self._about_nothing(read)

    def _read_sides(self, statement: Statement, report: EquationReport) -> list[Read | None]:
        """The sides, None for those that cannot be read: their problems go to the report.

        Raises General where no side can be read, the first because it names a whole array.
        """
        read: list[Read | None] = []
        first: Unreadable | None = None
        for tokens, end in self.reader.sides(statement):
            try:
                read.append(self.reader.read(tokens, end))
            except Unreadable as place:
                report.problems.append(_unreadable(place))
                first = first or place
                read.append(None)
        self.sides += sum(side is not None for side in read)
        if not any(read) and isinstance(first, General):
            raise first
        return read

    def _subject(self, read: list[Read | None]) -> Subject | None:
        """The first side that is a gradient, an output or a local gradient alone; else the first
        that is a symbol alone, of which the number can be checked."""
        alone = [
            (number, side.monomials[0].factors[0])
            for number, side in enumerate(read)
            if side is not None and side.alone
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
            symbols.append(Symbol(False, factor.above, factor.output))
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
            frame = self.truth.layer.frames[subject.role]
            report.element = (target, frame.layout.given_index(subject.index))

    def _about_nothing(self, read: list[Read | None]) -> Unreadable:
        first = next(side for side in read if side is not None)
        example = self.truth.text(self._example())
        expected = f"an element that is derived, such as {example}, alone on the left"
        text = f"this equation is about nothing that can be checked; expected {expected}"
        return Unreadable(first.start, expected, "an equation of something else", text)

    def _example(self) -> Symbol:
        layer = self.truth.layer
        role = next(iter(layer.gradients), layer.outputs[0])
        return Symbol(role in layer.gradients, role, (0,) * len(layer.frames[role].shape))

    def _judged(self, subject: Factor, read: Read, report: EquationReport) -> bool:
        """Judge one side; False where nothing could be said about it."""
        try:
            return self._side(subject, read, report)
        except Unreadable as place:
            report.problems.append(_unreadable(place))
            return False

    def _side(self, subject: Factor, read: Read, report: EquationReport) -> bool:
        if not isinstance(subject, Local) and self.truth.target(subject) is None:
            return judge_numbers(self.truth, subject, (), read, report)
        expected = self._window(subject, read) if read.maximum else self.truth.right(subject)
        side = resolved(self.truth, read.monomials)
        sums = _with_and_without_bias(expected)
        in_numbers = not any(monomial.factors for monomial in read.monomials)
        if in_numbers and not read.maximum and expected and () not in expected:
            return judge_numbers(self.truth, subject, sums, read, report)
        expected = sums[0] if _has_bias(side) else sums[-1]
        problems = self._compared(subject, expected, side, read)
        if problems and not any(put_in(self.truth, each, side) for each in sums):
            wider = self.truth.expanded(expected)
            slope = slope_of(self.truth)
            full = expected if wider is None and slope else wider
            if full is not None and self._same_expanded(full, side, slope):
                return True
            if wider is not None:
                others = self._compared(subject, wider, side, read)
                if len(others) < len(problems):  # written with another stage's equations put in
                    expected, problems = wider, others
            report.problems += problems
            report.notes += self._hints(subject, expected, side, problems)
        return True

    def _same_expanded(self, wider: Sum, side: Side, slope: Mapping[int, int] | None) -> bool:
        """Whether the side is right when what passes between the stages is put in everywhere,
        and σ′ as ``slope`` writes it."""
        written: Sum = {}
        for product in side.products:
            written[product.key] = written.get(product.key, Fraction(0)) + product.coefficient
        found = self.truth.expanded(written) or written
        if slope:
            wider, found = written_out(wider, slope), written_out(found, slope)
        slack = sum((product.slack for product in side.products), Fraction(0))
        return all(
            abs(wider.get(key, Fraction(0)) - found.get(key, Fraction(0))) <= slack
            for key in wider.keys() | found.keys()
        )

    def _compared(self, subject: Factor, expected: Sum, side: Side, read: Read) -> list[Problem]:
        return Matcher(self.truth, subject, expected, side, read.end).compare()

    def _window(self, subject: Factor, read: Read) -> Sum:
        """The members of a max pool's window, once each; ReLU's 0 and z."""
        traced = self.truth.layer.parts[-1].traced
        ours = isinstance(subject, Symbol) and not subject.gradient
        if ours and isinstance(traced, TracedActivation) and traced.name == "relu":
            if any(not m.factors and m.coefficient == 0 for m in read.monomials):
                return {(Symbol(False, "Y", subject.index),): Fraction(1)}
            raise Unreadable(read.start, "max(z, 0)", "max")
        if not (ours and isinstance(traced, TracedMaxPool)):
            raise Unreadable(read.start, "a sum: only a max pool's output is a maximum", "max")
        members = window_members(traced.plan.geometry, subject.index)
        return {(Symbol(False, "X", member.input),): Fraction(1) for member in members}

    def _hints(
        self, subject: Factor, expected: Sum, side: Side, problems: list[Problem]
    ) -> Iterator[str]:
        """What one idea explains all problems of a side."""
        from convgrad_cli.check.equations_hints import hints

        if len(problems) > 1 or len(expected) == 1:
            yield from hints(self.truth, subject, expected, side)


def _with_and_without_bias(expected: Sum) -> list[Sum]:
    """A forward equation may carry the bias or leave it out."""
    bare = {key: c for key, c in expected.items() if all(factor.role != "b" for factor in key)}
    return [expected] if len(bare) == len(expected) else [expected, bare]


def _has_bias(side: Side) -> bool:
    return any(factor.role == "b" for product in side.products for factor in product.key)


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
