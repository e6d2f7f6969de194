"""The text of ``check function``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.render.check import write_gradient

if TYPE_CHECKING:
    from convgrad_cli.check.function_report import CaseReport, FunctionReport
    from convgrad_cli.render.check_lines import Lines

INPUTS = {"input": "X", "filter": "W", "bias": "b", "upstream": "dY"}


def write_function(report: FunctionReport, lines: Lines, *, long: bool) -> None:
    """Verdict, the smallest failing layer with its diagnosis, and which layers pass."""
    style = "good" if report.right else "bad"
    run = [case for case in report.cases if case.verdict != "not run"]
    text = f"{report.passed} of {len(run)} layers right"
    if len(run) < len(report.cases):
        text += f", {len(report.cases) - len(run)} not run (too many hung or died, or out of time)"
    lines.verdict(0, report.name, report.verdict, style, text)
    for case in report.cases:
        lines.add(4, f"{_mark(case)} {case.case.name}", "" if case.verdict == "right" else style)
        if long:
            _case(case, lines)
    smallest = report.smallest
    if smallest is not None:
        lines.blank()
        lines.add(0, f"the smallest failing layer: {smallest.case.name}", "name")
        lines.add(4, _geometry(smallest))
        write_failure(smallest, lines, long=long)
    for note in report.notes:
        lines.add(0, f"note: {note}", "faint")


def _mark(case: CaseReport) -> str:
    return {"right": "right  ", "wrong": "WRONG  ", "failed": "FAILED ", "not run": "not run"}[
        case.verdict
    ]


def _case(case: CaseReport, lines: Lines) -> None:
    if case.problem:
        lines.add(12, case.problem)
    for name in case.wrong:
        found = ["+".join(d.mistakes) for d in case.gradients[name].diagnosis]
        lines.add(12, f"{name}: {', '.join(found) or 'no known mistake'}")


def _geometry(case: CaseReport) -> str:
    from convgrad_cli.check.function_report import shapes_of

    options = [
        f"{name} {','.join(map(str, v)) if isinstance(v, (tuple, list)) else v}"
        for name, v in case.case.options.items()
        if name in ("stride", "padding", "window") or v != 1
    ]
    shapes = [
        f"{INPUTS.get(name, name)} {tuple(shape)}" for name, shape in shapes_of(case.case).items()
    ]
    return ", ".join([*shapes, *options])


def write_failure(case: CaseReport, lines: Lines, *, long: bool) -> None:
    """Why a layer failed: the error, or each wrong gradient with its diagnosis."""
    if case.problem:
        lines.add(4, f"the function {_happened(case)}", "bad")
    for name, report in case.gradients.items():
        if long or name in case.wrong:
            write_gradient(report, lines, long=long, indent=4)


def _happened(case: CaseReport) -> str:
    return f"raised {case.problem}" if case.kind == "raised" else str(case.problem)
