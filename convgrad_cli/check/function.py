"""``check function``: a user's backward function over a growing series of small layers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from convgrad_cli.check import function_runner
from convgrad_cli.check.compare import Rule, choose_rule
from convgrad_cli.check.function_process import Limits, Outcome, Target, probe, run_all
from convgrad_cli.check.function_report import CaseReport, FunctionReport
from convgrad_cli.check.function_series import Case, Series
from convgrad_cli.check.function_signatures import Signature, arrays_of, call_of, read_signature
from convgrad_cli.check.kinds import kind_named, refuse_others
from convgrad_cli.check.power import Measured
from convgrad_cli.check.suggest import bundle_of
from convgrad_cli.check.verdict import check_one
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.report import Diagnosis, GradientReport

#: The order in which options a function does not take are told.
FUNCTION_OPTIONS = ("stride", "padding", "dilation", "groups", "output_padding")


def check_function(
    function: Callable[..., Any],
    *,
    layer: str = "conv",
    signature: str = "arrays",
    dims: int = 2,
    ties: str = "first",
    activation: str | None = None,
    slope: float | None = None,
    upsample: str | None = None,
    transforms: str | Sequence[str] | None = None,
    rule: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> FunctionReport:
    """Run your own backward function on small layers, and name what is wrong with it.

    ``signature`` says how it is called (see :mod:`convgrad_cli.check.function_signatures`). It is
    called in this process, with copies of the arrays. The report is true when all is right:
    ``assert check_function(my_backward), …`` in a test.
    Raises UsageError for an unknown layer or signature.
    """
    chosen = choose_rule(rule, rtol, atol)
    parameters = function_runner.parameters_of(function)
    options: dict[str, Any]
    options = {"ties": ties, "activation": activation, "slope": slope, "mode": upsample}
    options |= {"transforms": transforms}
    asked = Asked(signature, layer, dims, options)
    name = getattr(function, "__name__", "the function")
    how = asked.signature_for(parameters)
    return _checked(name, how, asked, chosen, lambda calls: _run_here(function, calls))


def check_function_file(
    target: Target,
    *,
    layer: str = "conv",
    signature: str = "arrays",
    dims: int = 2,
    options: dict[str, Any] | None = None,
    rule: Rule | None = None,
    limits: Limits | None = None,
) -> FunctionReport:
    """The same for ``FILE.py:NAME`` in a process of its own, with time limits.

    ``options``: ties, activation, slope, mode (of upsampling), transforms, as far as they are
    given.
    """
    limits = limits or Limits()
    asked = Asked(signature, layer, dims, options or {})
    asked.signature_for(None)
    how = asked.signature_for(probe(target, limits))
    name = f"{target.file}:{target.name}"
    return _checked(name, how, asked, rule or Rule(), lambda calls: run_all(target, calls, limits))


@dataclass(frozen=True)
class Asked:
    """What is asked of the function: how it is called, for which layer."""

    signature: str
    layer: str
    dims: int
    options: dict[str, Any]

    def signature_for(self, parameters: Any) -> Signature:
        """The signature of a function with these parameters. Raises UsageError for bad words."""
        kind = kind_named(self.layer, self.options)
        refuse_others(kind, self.options)
        if self.dims not in (1, 2, 3):
            raise UsageError("--dims must be 1, 2 or 3.", found=str(self.dims))
        return read_signature(self.signature, kind, parameters)

    def cases(self, how: Signature) -> list[Case]:
        """The layers to try."""
        wanted = Series(
            self.layer,
            self.dims,
            how.accepts,
            how.square,
            how.layouts,
            {name: value for name, value in self.options.items() if value is not None},
        )
        return how.kind.cases(wanted)


def _run_here(function: Callable[..., Any], calls: list[Any]) -> list[Outcome]:
    """The calls in this process; an exception is an outcome, an interruption is not."""
    outcomes = []
    for spec, arrays in calls:
        try:
            found, modified = function_runner.call(function, spec, arrays)
            outcomes.append(Outcome(found, modified))
        except function_runner.Unusable as error:
            outcomes.append(Outcome(problem=str(error), kind="unusable"))
        except Exception as error:
            text = f"{type(error).__name__}: {error}".rstrip(": ")
            outcomes.append(Outcome(problem=text, kind="raised"))
    return outcomes


def _checked(
    name: str,
    how: Signature,
    asked: Asked,
    rule: Rule,
    run: Callable[[list[Any]], list[Outcome]],
) -> FunctionReport:
    cases, outcomes = _outcomes(how, asked, run)
    windowed = "window" in how.kind.takes and how.name == "arrays"
    if windowed and all(o.kind == "raised" for o in outcomes):
        other = replace(how, whole_window=True)
        again = _outcomes(other, asked, run)
        if any(outcome.kind == "returned" for outcome in again[1]):
            how, (cases, outcomes) = other, again
    reports = [_judged(case, o, how, rule) for case, o in zip(cases, outcomes, strict=False)]
    reports += [CaseReport(case, "not run") for case in cases[len(outcomes) :]]
    report = FunctionReport(name, how.name, how.layer, reports)
    report.notes = _notes(how, outcomes, reports)
    _sharpen(report)
    return report


def _outcomes(
    how: Signature, asked: Asked, run: Callable[[list[Any]], list[Outcome]]
) -> tuple[list[Case], list[Outcome]]:
    cases = asked.cases(how)
    return cases, run([(call_of(how, case), arrays_of(case)) for case in cases])


def _judged(case: Case, outcome: Outcome, how: Signature, rule: Rule) -> CaseReport:
    if outcome.problem is not None:
        return CaseReport(case, "failed", problem=outcome.problem, kind=outcome.kind)
    found = dict(outcome.arrays)
    if how.name == "dlai" and "db" in found:
        found["db"] = _bare_bias(found["db"], case)
    gradients = {
        name: check_one(case.problem, name, array, rule)
        for name, array in found.items()
        if name in how.returns
    }
    right = all(report.verdict == "right" for report in gradients.values())
    return CaseReport(case, "right" if right else "wrong", gradients)


def _bare_bias(db: Array, case: Case) -> Array:
    """This course's b is (1, 1, 1, K), and so is its db."""
    problem: Any = case.problem
    filters = problem.geometry.out_channels
    right = (1,) * (problem.W.ndim - 1) + (filters,)
    return db.reshape(filters) if db.shape == right else db


def _notes(how: Signature, outcomes: list[Outcome], reports: list[CaseReport]) -> list[str]:
    notes = []
    modified = sorted({name for outcome in outcomes for name in outcome.modified})
    if modified:
        notes.append(f"the function changes its inputs: {', '.join(modified)}")
    if how.name == "arrays":
        left_out = [n for n in FUNCTION_OPTIONS if n in how.kind.accepts - how.accepts]
        if left_out:
            notes.append(f"not tried, as the function takes no such option: {', '.join(left_out)}")
    returned = [report for report in reports if report.gradients]
    missing = [n for n in how.returns if returned and all(n not in r.gradients for r in returned)]
    if missing:
        notes.append(f"not checked, as the function does not return it: {', '.join(missing)}")
    return notes


def _sharpen(report: FunctionReport) -> None:
    """Keep, of several explanations of the smallest failure, those that all layers bear out."""
    smallest = report.smallest
    if smallest is None:
        return
    for name in smallest.wrong:
        gradient = smallest.gradients[name]
        standing = [d for d in gradient.diagnosis if not _contradicted(report, name, d)]
        if standing and len(standing) < len(gradient.diagnosis):
            dropped = len(gradient.diagnosis) - len(standing)
            gradient.diagnosis = standing
            gradient.notes.append(
                f"{dropped} other explanation{'s' * (dropped > 1)} of this layer alone "
                "would contradict the other layers"
            )


def _contradicted(report: FunctionReport, name: str, diagnosis: Diagnosis) -> bool:
    """Whether another layer came out as it could not with these mistakes."""
    if not diagnosis.causes or not all(cause.changes for cause in diagnosis.causes):
        return False
    for other in report.cases:
        gradient = other.gradients.get(name)
        if gradient is None:
            continue
        if gradient.verdict == "wrong":
            if gradient.diagnosis and diagnosis.mistakes not in _explained(gradient):
                return True
        elif _would_show(other.case, name, diagnosis):
            return True
    return False


def _explained(gradient: GradientReport) -> set[tuple[str, ...]]:
    return {diagnosis.mistakes for diagnosis in gradient.diagnosis}


def _would_show(case: Case, name: str, diagnosis: Diagnosis) -> bool:
    """Whether the mistakes, made on this layer too, would have been seen there."""
    measured = Measured(case.problem, name)
    wanted = {_words(cause.phrase) for cause in diagnosis.causes}
    alike = [m for m in measured.mistakes if _words(m.phrase) in wanted]
    return len(alike) == 1 and bool(measured.shows(alike[0]))


def _words(phrase: str) -> str:
    """A phrase without the numbers of its layer."""
    return re.sub(r"\(.*?\)|\d+", "", phrase)


def bundle_of_case(report: CaseReport) -> dict[str, Any]:
    """The layer as a bundle, to rerun: canonical arrays and options."""
    return bundle_of(report.case.problem)
