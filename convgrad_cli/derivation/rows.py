"""The rows of a derivation: an element's right sides, step by step, as many as the limits allow."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING

from convgrad_cli.derivation.blocks import Row, Rows, Side
from convgrad_cli.derivation.equation import joined
from convgrad_cli.derivation.pictures_pool import window_side
from convgrad_cli.derivation.pool import TracedMaxPool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from convgrad_cli.derivation.equation import Equation
    from convgrad_cli.derivation.model import Term
    from convgrad_cli.derivation.numbers import Number
    from convgrad_cli.derivation.steps import Report

MOST_WORK = 200_000
"""Terms that are gone through for the elements of a capped table."""


def equation_rows(
    report: Report, equations: Iterable[Equation], count: int, terms: int, columns: tuple[str, ...]
) -> Rows:
    """The first of so many equations that have so many terms in all."""
    shown = min(count, report.limits.elements)
    if report.limits.capped and count > 1:
        shown = min(shown, max(1, MOST_WORK * count // max(1, terms)))
    rows = (_row(report, equation, columns) for equation in islice(equations, shown))
    return Rows(columns, rows, count - shown)


def _row(report: Report, equation: Equation, columns: tuple[str, ...]) -> Row:
    """One element with the right sides asked for."""
    limit = report.limits.terms
    terms = list(islice(equation.terms, limit))
    more = 0
    numeric = "numbers" in columns and report.derivation.values.known(equation.target)
    value: Number | None = None
    if len(terms) == limit:
        more = equation.term_count - limit
    if numeric:
        value = report.derivation.values.equation(equation)
    sides: dict[str, Side] = {}
    if equation.is_forward and isinstance(equation.traced, TracedMaxPool):
        sides["window"] = window_side(report.writer, equation)
    if not terms:
        columns = columns[:1] if columns[:1] != ("local",) else ("substituted",)
        more = 0
    for column in columns:
        if column == "numbers" and not numeric:
            continue
        sides[column] = Side(_side(report, column, equation, terms) or ["0"], more)
    shown = None if value is None else report.figures.number(value)
    return Row(report.writer.left_side(equation), sides, shown)


def _side(report: Report, column: str, equation: Equation, terms: Sequence[Term]) -> list[str]:
    """The texts of one column; chain rule and local gradients take an output's terms at once,
    for a filter under scale2 meets an output several times."""
    writer = report.writer
    outputs = [(output, list(own)) for output, own in groupby(terms, lambda t: t.upstream)]
    match column:
        case "chain":
            upstream = writer.names.traced.upstream
            return [
                writer.script.times.join(
                    [
                        writer.gradient(upstream, output),
                        writer.local(output, equation.role, equation.index),
                    ]
                )
                for output, _ in outputs
                if output is not None
            ]
        case "local":
            return [
                f"{writer.local(output, equation.role, equation.index)} = "
                + joined([writer.term(term._replace(upstream=None)) for term in own])
                for output, own in outputs
                if output is not None
            ]
        case "numbers":
            return [_numbers(report, term, alone=len(terms) == 1) for term in terms]
    return [writer.term(term) for term in terms]


def _numbers(report: Report, term: Term, *, alone: bool) -> str:
    """``2·1``, or the number itself where it is all there is."""
    numbers = report.derivation.values.factors(term)
    if alone and len(numbers) == 1 and term.coefficient == 1:
        return report.figures.number(numbers[0])
    return report.figures.product(numbers, term.coefficient)
