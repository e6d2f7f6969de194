"""A check's report as a document to hand back: verdicts, named mistakes with their fix, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_report import FunctionReport, shapes_of
from convgrad_cli.check.power_report import PowerReport
from convgrad_cli.render.check import SHOWN, summary
from convgrad_cli.render.check_lines import shape_text, value_text
from convgrad_cli.render.sheet import LatexSheet, MarkdownSheet, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.check.function_report import CaseReport
    from convgrad_cli.check.power_report import RowPower
    from convgrad_cli.check.report import ArraysReport, GradientReport

_DIGITS = 6
_LETTERS = {"input": "X", "filter": "W", "bias": "b", "upstream": "dY"}


def check_sheet(report: Any, form: str, *, long: bool, precision: int | None) -> str:
    """The report as ``markdown`` or ``latex``; ``long`` adds what was tried and every reading."""
    sheet: Sheet = MarkdownSheet() if form == "markdown" else LatexSheet()
    digits = precision or _DIGITS
    if isinstance(report, FunctionReport):
        _function(report, sheet, digits, long=long)
    elif isinstance(report, PowerReport):
        _power(report, sheet, long=long)
    else:
        _arrays(report, sheet, digits, long=long)
    if report.notes:
        sheet.items([("", [("note", note)]) for note in report.notes])
    return sheet.text()


def _arrays(report: ArraysReport, sheet: Sheet, digits: int, *, long: bool) -> None:
    sheet.heading(1, f"Check: {report.verdict}")
    sheet.paragraph(_layer(report.layer, {**report.settings, **report.geometry}, report.shapes))
    _verdicts(report.gradients, sheet)
    for gradient in report.gradients.values():
        if gradient.verdict == "wrong" or gradient.notes or gradient.blind or long:
            _gradient(gradient, sheet, digits, long=long)


def _layer(name: str, options: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    arrays = [f"{_LETTERS.get(key, key)} {shape_text(shape)}" for key, shape in shapes.items()]
    said = [f"{key} {_spelled(value)}" for key, value in options.items() if key != "dims"]
    return f"Layer {name}: {', '.join([*arrays, *said])}."


def _spelled(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return str(value)
    if value and isinstance(value[0], (list, tuple)):
        return ",".join(":".join(map(str, pair)) for pair in value)
    return ",".join(map(str, value))


def _verdicts(gradients: Mapping[str, GradientReport], sheet: Sheet) -> None:
    headers = ("array", "verdict", "mistake", "elements that differ", "largest difference")
    rows = []
    for name, report in gradients.items():
        known = len(report.diagnosis)
        mistake = "+".join(report.diagnosis[0].mistakes) if known else ""
        if report.verdict == "wrong" and not known:
            mistake = "none known"
        counted = "" if report.total is None else f"{report.differing} of {report.total}"
        error = "" if report.max_abs_error is None else value_text(report.max_abs_error, 3)
        others = f" (or {known - 1} other{'s' * (known > 2)})" if known > 1 else ""
        rows.append((name, report.verdict, mistake + others, counted, error))
    sheet.table(headers, rows)


def _gradient(
    report: GradientReport, sheet: Sheet, digits: int, *, long: bool, level: int = 2
) -> None:
    """One array: what it equals and the fix, else where it differs; its worst equation."""
    sheet.heading(level, f"{report.name}: {report.verdict}")
    text = summary(report, digits)
    sheet.paragraph(f"{text[0].upper()}{text[1:]}.")
    shown = report.diagnosis if long else report.diagnosis[:SHOWN]
    if len(report.diagnosis) > 1:
        sheet.paragraph(f"{len(report.diagnosis)} explanations give exactly this array:")
    if shown:
        sheet.items([("+".join(d.mistakes), [("", f"{d.text}."), ("fix", d.fix)]) for d in shown])
    if len(shown) < len(report.diagnosis):
        sheet.paragraph(f"{len(report.diagnosis) - len(shown)} more are not shown (--long).")
    if report.where and (long or not report.diagnosis or report.diagnosis[0].mistakes == ("G5",)):
        unknown = "" if report.diagnosis else "No known mistake gives this array. "
        sheet.paragraph(f"{unknown}Where it differs:")
        sheet.items([("", [("", place.text)]) for place in report.where])
    for equation in report.equations[:SHOWN]:
        sheet.paragraph(f"The worst element, {equation.element}:")
        mistaken = "+".join(equation.mistakes)
        sheet.items(
            [("", [("right", f"= {equation.right}")]), ("", [(mistaken, f"= {equation.mistaken}")])]
        )
    _small_print(report, sheet, long=long)


def _small_print(report: GradientReport, sheet: Sheet, *, long: bool) -> None:
    told = [("note", note) for note in report.notes]
    if report.blind:
        told.append(("note", f"this data could not have shown {', '.join(report.blind)}"))
    if long:
        told.append(("rule", report.rule))
        told += [("tried", report.tried)] if report.tried else []
    if told:
        sheet.items([("", [one]) for one in told])


def _function(report: FunctionReport, sheet: Sheet, digits: int, *, long: bool) -> None:
    sheet.heading(1, f"Check of {report.name}: {report.verdict}")
    run = sum(case.verdict != "not run" for case in report.cases)
    sheet.paragraph(f"Layer {report.layer}: {report.passed} of {run} small layers right.")
    rows = []
    for case in report.cases:
        wrong = ", ".join(_named(case, name) for name in case.wrong)
        rows.append((case.case.name, case.verdict, wrong))
    sheet.table(("layer", "verdict", "what is wrong"), rows)
    smallest = report.smallest
    if smallest is None:
        return
    sheet.heading(2, f"The smallest layer that fails: {smallest.case.name}")
    sheet.paragraph(_layer(report.layer, smallest.case.options, shapes_of(smallest.case)))
    if smallest.problem:
        sheet.paragraph(f"It fails: {smallest.problem}")
    for name in smallest.wrong:
        _gradient(smallest.gradients[name], sheet, digits, long=long, level=3)


def _named(case: CaseReport, name: str) -> str:
    """A wrong gradient, with its mistake where one is known."""
    return " ".join([name, *("+".join(d.mistakes) for d in case.gradients[name].diagnosis[:1])])


def _power(report: PowerReport, sheet: Sheet, *, long: bool) -> None:
    shown = sum(row.verdict == "shown" for row in report.rows)
    sheet.heading(1, f"This data shows {shown} of {len(report.rows)} kinds of mistakes")
    sheet.paragraph(_layer(report.layer, {**report.settings, **report.geometry}, report.shapes))
    for better, title in (
        (True, "Hidden here, though other data of this geometry would show it:"),
        (False, "No data of this geometry shows:"),
    ):
        rows = [row for row in report.blind if row.suggestion is better]
        if rows:
            sheet.paragraph(title)
            told = [
                (f"{r.id} {r.target}", [("", f"{r.title}: {'; '.join(r.reasons)}")]) for r in rows
            ]
            sheet.items(told)
    if long:
        named = ", ".join(f"{r.id} ({r.target})" for r in report.rows if r.verdict == "shown")
        sheet.paragraph(f"Shown: {named}.")


def _reason(row: RowPower) -> str:
    partly = " (in part)" if row.verdict == "partly" else ""
    return f"{row.title}{partly}: {'; '.join(row.reasons)}"
