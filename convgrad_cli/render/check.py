"""The text of a check: short for the eye, long with all that was tried; styled in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.report import ArraysReport
from convgrad_cli.render.check_lines import Lines, shape_text, value_text
from convgrad_cli.render.plain_text import plain_ascii

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.report import Diagnosis, GradientReport

#: Explanations shown in the short text, and equations of the pairs that fit alike.
SHOWN = 4
ONE_OF = "explanations give exactly this array:"


def check_output(
    report: Any,
    format: str,
    *,
    long: bool = False,
    precision: int | None = None,
    width: int = 80,
    color: bool = False,
    ascii_only: bool = False,
) -> str | bytes:
    """A check's report as JSON bytes or as text; a table is the text wrapped and in colour,
    Markdown and LaTeX a document to hand back."""
    if format == "json":
        from convgrad_cli.render.check_json import check_json

        return check_json(report)
    if format in ("markdown", "latex"):
        from convgrad_cli.render.check_sheet import check_sheet

        text = check_sheet(report, format, long=long, precision=precision)
        return plain_ascii(text) if ascii_only else text
    lines = Lines(precision=precision)
    _write(report, lines, long=long)
    if format == "text":
        text = lines.plain()
        return plain_ascii(text) if ascii_only else text
    return lines.styled(width=width, color=color, ascii_only=ascii_only)


def _write(report: Any, lines: Lines, *, long: bool) -> None:
    if isinstance(report, ArraysReport):
        write_arrays(report, lines, long=long)
        return
    from convgrad_cli.check.function_report import FunctionReport

    if isinstance(report, FunctionReport):
        from convgrad_cli.render.check_function import write_function

        write_function(report, lines, long=long)
    else:
        from convgrad_cli.render.check_power import write_power

        write_power(report, lines, long=long)


def write_arrays(report: ArraysReport, lines: Lines, *, long: bool) -> None:
    """The verdict on each array."""
    for place, gradient in enumerate(report.gradients.values()):
        if place:
            lines.blank(when=long or gradient.verdict == "wrong")
        write_gradient(gradient, lines, long=long)
    for note in report.notes:
        lines.add(0, f"note: {note}", "faint")


def write_gradient(report: GradientReport, lines: Lines, *, long: bool, indent: int = 0) -> None:
    """One array: verdict, explanations, where it differs, and what is worth knowing."""
    style = "good" if report.verdict == "right" else "bad"
    lines.verdict(indent, report.name, report.verdict, style, summary(report, lines.precision or 6))
    inner = indent + 4
    write_diagnoses(report.diagnosis, lines, long=long, indent=inner)
    if report.where and (long or not report.diagnosis or report.diagnosis[0].mistakes == ("G5",)):
        title = "no known mistake gives this array; where it differs:"
        lines.add(inner, "where it differs:" if report.diagnosis else title)
        for place in report.where:
            lines.add(inner + 2, place.text)
    _equations(report, lines, inner)
    for note in report.notes:
        lines.add(inner, f"note: {note}", "faint")
    if report.blind:
        lines.add(
            inner,
            f"note: this data could not have shown {', '.join(report.blind)} "
            "(convgrad check power says why)",
            "faint",
        )
    if long:
        _details(report, lines, inner)


def summary(report: GradientReport, digits: int) -> str:
    """How much of an array differs, and the worst of it."""
    if report.found_shape != report.expected_shape and report.max_abs_error is None:
        found, expected = shape_text(report.found_shape), shape_text(report.expected_shape)
        return f"its shape is {found}, not {expected}"
    if report.verdict == "right":
        error = value_text(report.max_abs_error or 0.0, 3)
        return f"all {report.total} elements agree" + (
            f" (largest difference {error})" if report.max_abs_error else ""
        )
    at = f"[{', '.join(map(str, report.worst_index or ()))}]"
    if report.nonfinite == report.differing and report.max_abs_error is not None:
        first = list(report.first_nonfinite or ())
        are = "is" if report.nonfinite == 1 else "are"
        count = f"{report.nonfinite} of {report.total} elements {are} NaN or infinite"
        return f"{count}, the first at {first}; all others agree"
    if report.max_abs_error is None:
        return f"{report.differing} of {report.total} elements are not finite numbers"
    return (
        f"{report.differing} of {report.total} elements differ, most at {at}: "
        f"expected {value_text(report.expected, digits)}, found {value_text(report.found, digits)}"
    )


def write_diagnoses(
    diagnoses: Sequence[Diagnosis], lines: Lines, *, long: bool, indent: int
) -> None:
    """Every explanation with its fix; the short text stops after a few and says so."""
    shown = list(diagnoses) if long else list(diagnoses[:SHOWN])
    if len(diagnoses) > 1:
        lines.add(indent, f"{len(diagnoses)} {ONE_OF}")
    for diagnosis in shown:
        label = "+".join(diagnosis.mistakes)
        lines.labelled(indent, label, diagnosis.text)
        lines.add(indent + len(label) + 2, f"fix: {diagnosis.fix}")
    if len(shown) < len(diagnoses):
        lines.add(indent, f"… and {len(diagnoses) - len(shown)} more (--long)", "faint")


def _equations(report: GradientReport, lines: Lines, indent: int) -> None:
    for equation in report.equations[:SHOWN]:
        lines.add(indent, f"the worst element, {equation.element}:")
        label = "+".join(equation.mistakes)
        wide = max(len("right"), len(label))
        lines.labelled(indent + 2, "right".ljust(wide), f"= {equation.right}")
        lines.labelled(indent + 2, label.ljust(wide), f"= {equation.mistaken}")


def _details(report: GradientReport, lines: Lines, indent: int) -> None:
    lines.add(indent, f"rule: {report.rule}")
    if report.max_abs_error is not None:
        rel = f"{value_text(report.max_rel_error, 3)} at {list(report.worst_rel_index or ())}"
        lines.add(
            indent,
            f"largest absolute difference {value_text(report.max_abs_error, 6)} at "
            f"{list(report.worst_index or ())}, largest relative {rel}",
        )
    lines.add(indent, f"shape: {shape_text(report.found_shape)}")
    if report.tried:
        lines.add(indent, f"tried: {report.tried}")
