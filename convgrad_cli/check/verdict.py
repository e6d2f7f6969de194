"""The verdict on one array: right or wrong, why, where, and what that says of the data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check.compare import Comparison, Noise, Rule, compare, noise_of
from convgrad_cli.check.diagnose import explain
from convgrad_cli.check.locate import locate
from convgrad_cli.check.report import Diagnosis, GradientReport, Place
from convgrad_cli.check.shapes import Fitted, explain_shape, fitted
from convgrad_cli.check.sieve import Search

if TYPE_CHECKING:
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

SINGLE = float(np.finfo(np.float32).eps)
#: Multiply-adds up to which a right answer's blind spots are looked for.
SMALL_ENOUGH = 5_000_000


def check_one(
    problem: Problem,
    target: str,
    found: Array,
    rule: Rule,
    *,
    notation: str | None = None,
    blind: bool = False,
) -> GradientReport:
    """The verdict on one array, with its diagnosis where it is wrong.

    ``blind`` adds, where it is right, the mistakes that this data could not have shown.
    """
    right = problem.right(target)
    answer = fitted(problem, target, found, right.shape)
    magnitude = np.asarray(problem.magnitude(target), dtype=np.float64)
    top = float(np.nan_to_num(magnitude).max(initial=0.0))
    noise = noise_of(found, problem.operands().values(), right, problem.terms(target), top)
    report = GradientReport(target, "right", _spell(rule, noise, top), answer.expected, found.shape)
    report.notes += [answer.note] if answer.note else []
    if noise.decimals is not None and rule.name == "default":
        report.notes.append(
            f"{target} looks rounded to {noise.decimals} decimals; the comparison allows for it"
        )
    comparison = None
    if answer.right_shape:
        tolerance = noise.at(magnitude) + problem.slack(target, noise.epsilon)
        comparison = compare(answer.array, right, rule, tolerance)
        _fill(report, problem, target, comparison)
    if comparison is None or not comparison.right:
        report.verdict = "wrong"
        _explain(report, problem, answer, comparison, right, rule, noise, top)
        if notation is not None:
            _add_equations(report, problem, comparison, notation)
    finite = all(np.isfinite(array).all() for array in problem.operands().values())
    if comparison is not None and finite:
        report.notes += problem.remarks(target, answer.array.astype(np.float64), noise, top)
    if report.verdict == "right" and finite and blind:
        report.blind = _blind_spots(problem, target)
    return report


def _blind_spots(problem: Problem, target: str) -> list[str]:
    """The mistakes that this data, as it is, hides: "right" says nothing about them."""
    from convgrad_cli.check.power import rated

    if problem.cost(target) > SMALL_ENOUGH:
        return []
    rows = rated(problem, [target], reasons=True)
    return [row.id for row in rows if row.verdict == "hidden" and not row.id.startswith("G")]


def _spell(rule: Rule, noise: Noise, top: float) -> str:
    match rule.name:
        case "default" if noise.epsilon == 0:
            return "default: integers must be equal"
        case "default":
            return (
                f"default: |found − expected| ≤ {noise.factor:.3g}·ε·Σ|terms| + 4·ε·max Σ|terms|, "
                f"ε = {noise.epsilon:.2g} ({noise.dtype}); here at most {noise.everywhere(top):.2g}"
            )
        case "cs231n":
            return "cs231n: |found − expected| ≤ 1e-6·max(1e-8, |found| + |expected|)"
        case "exact":
            return "exact: found = expected"
        case name:
            return f"{name}: |found − expected| ≤ {rule.atol:g} + {rule.rtol:g}·|expected|"


def _fill(report: GradientReport, problem: Problem, target: str, comparison: Comparison) -> None:
    layout = problem.layout(target)

    def given(index: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return index if index is None or layout is None else layout.given_index(index)

    report.max_abs_error = comparison.max_abs_error
    report.max_rel_error = comparison.max_rel_error
    report.worst_index = given(comparison.worst_index)
    report.worst_rel_index = given(comparison.worst_rel_index)
    report.expected, report.found = comparison.expected, comparison.found
    report.differing, report.total = comparison.differing, comparison.total
    report.nonfinite = comparison.nonfinite


def _explain(
    report: GradientReport,
    problem: Problem,
    answer: Fitted,
    comparison: Comparison | None,
    right: Array,
    rule: Rule,
    noise: Noise,
    top: float,
) -> None:
    """Diagnosis, else where the difference lives."""
    found, right64 = answer.array.astype(np.float64), right.astype(np.float64)
    finite = np.isfinite(found)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(answer.array))[0])
        layout = problem.layout(report.name)
        known = layout is not None and answer.right_shape
        report.first_nonfinite = layout.given_index(first) if known and layout else first
        report.notes.append(
            f"{int((~finite).sum())} of {found.size} elements are NaN or infinite, the first at "
            f"{list(report.first_nonfinite)}; the rest was compared without them"
        )
        report.nonfinite = int((~finite).sum())
    if not all(np.isfinite(array).all() for array in problem.operands().values()):
        report.notes.append("the layer's arrays hold NaN or infinities: no diagnosis was made")
        return
    mask = None if comparison is None else comparison.mask
    only_nonfinite = mask is not None and not np.any(mask & finite)
    if not only_nonfinite:
        names = problem.axis_names(report.name)
        search = Search(problem, report.name, found, right64, rule, noise, top, names, mask)
        findings = explain(search)
        report.diagnosis, report.tried = findings.diagnoses, findings.tried
    if report.diagnosis:
        return
    if mask is None:
        report.where = explain_shape(problem, report.name, found, right64)
        return
    single = replace(noise, epsilon=SINGLE, decimals=None).everywhere(top)
    report.where = locate(problem, report.name, mask, found, right64, single)
    report.diagnosis = list(_one_wrong(report))


def _one_wrong(report: GradientReport) -> list[Diagnosis]:
    """G5's other half: everything but one sample, channel or group is right."""
    words = ("sample", "channel", "in-channel", "filter", "out-channel", "group")
    alone = [place for place in report.where if place.region in words]
    return [_only(report.name, place) for place in alone[:1]]


def _only(target: str, place: Place) -> Diagnosis:
    entry = place.text.removeprefix("only ").removesuffix(" differs")
    text = f"your {target} is right except in {entry}"
    return Diagnosis(("G5",), text, f"look at how {entry} is treated apart from the others")


def _add_equations(
    report: GradientReport, problem: Problem, comparison: Comparison | None, notation: str
) -> None:
    from convgrad_cli.check.symbolic import side_by_side

    if comparison is not None and comparison.worst_index is not None:
        report.equations = side_by_side(problem, report, comparison.worst_index, notation)
