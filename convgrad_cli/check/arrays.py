"""``check arrays``: are these gradients right, and if not, which mistake is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.compare import Comparison, Noise, Rule, choose_rule, compare, noise_of
from convgrad_cli.check.diagnose import Search, explain
from convgrad_cli.check.locate import axis_names, locate
from convgrad_cli.check.problem import ConvProblem, PoolProblem, Problem
from convgrad_cli.check.report import ArraysReport, Diagnosis, GradientReport, Place
from convgrad_cli.check.shapes import Fitted, explain_shape, fitted, given_shapes, layout_of
from convgrad_cli.check.ties import tie_notes
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.layers.numbers import numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import ConvPlan, Padding, PoolPlan

LAYERS = ("conv", "maxpool", "avgpool")
#: Multiply-adds up to which a right answer's blind spots are looked for.
SMALL_ENOUGH = 5_000_000
TARGETS = ("dX", "dW", "db", "Y")


def check_arrays(
    X: ArrayLike,
    W: ArrayLike | None = None,
    dY: ArrayLike | None = None,
    dX: ArrayLike | None = None,
    dW: ArrayLike | None = None,
    db: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    *,
    b: ArrayLike | None = None,
    layer: str = "conv",
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
    ties: str = "first",
    count_include_pad: bool = False,
    rule: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    symbolic: bool = False,
) -> ArraysReport:
    """Check dX, dW, db or Y of a convolution, or dX or Y of a pool, against the right ones.

    The layer is given as for ``conv_backward`` or ``max_pool_backward`` (``layer`` "conv",
    "maxpool" or "avgpool"; a pool takes ``window``). The report is true when all is right.
    Raises UsageError when there is nothing to check, and what the layer's own functions raise.

    >>> bool(check_arrays([[1, 2], [3, 4]], [[1]], [[1, 2], [3, 4]], dX=[[1, 2], [3, 4]]))
    True
    """
    arrays = {"X": X, "W": W, "dY": dY, "b": b}
    layer_arrays = {name: numeric(a, name) for name, a in arrays.items() if a is not None}
    named = {"dX": dX, "dW": dW, "db": db, "Y": Y}
    answers = {name: numeric(a, name) for name, a in named.items() if a is not None}
    shared: dict[str, Any] = {"padding": padding, "dilation": dilation, "dims": dims}
    shared["layout"] = layout
    problem: Problem
    if layer == "conv":
        shared |= {"groups": groups, "filter_order": filter_layout, "output_size": output_size}
        shapes = (needed(layer_arrays, "X").shape, needed(layer_arrays, "W").shape)
        plan = plan_conv(*shapes, stride=1 if stride is None else stride, **shared)
        problem = conv_problem(plan, layer_arrays, answers)
    else:
        if window is None:
            raise UsageError("The pool has no window.", expected="window=, e.g. window=2")
        shape = needed(layer_arrays, "X").shape
        pool = plan_pool(shape, window, stride=stride, ceil_mode=ceil_mode, **shared)
        problem = pool_problem(pool, layer_arrays, answers, layer, ties, count_include_pad)
    return check_problem(problem, answers, choose_rule(rule, rtol, atol), symbolic=symbolic)


def needed(arrays: Mapping[str, Array], name: str) -> Array:
    """The array ``name``, or a UsageError that names it."""
    if name not in arrays:
        raise UsageError(f"{name} is missing.", array=name)
    return arrays[name]


def conv_problem(
    plan: ConvPlan, arrays: Mapping[str, Array], answers: Mapping[str, Array]
) -> ConvProblem:
    """The convolution to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        plan.check_bias(b.shape)
        b = b.reshape(-1)
    X, W = plan.X.to_canonical(arrays["X"]), plan.W.to_canonical(needed(arrays, "W"))
    return ConvProblem(plan, X, W, _upstream(plan, arrays, answers, X), b)


def pool_problem(
    plan: PoolPlan,
    arrays: Mapping[str, Array],
    answers: Mapping[str, Array],
    layer: str,
    ties: str = "first",
    count_include_pad: bool = False,
) -> PoolProblem:
    """The pool to check. Raises UsageError for an unknown layer or tie rule."""
    if layer not in LAYERS:
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(LAYERS)}")
    if ties not in ("first", "last", "split"):
        raise UsageError(f"Unknown tie rule {ties!r}.", expected="one of first, last, split")
    X = plan.X.to_canonical(arrays["X"])
    dY = _upstream(plan, arrays, answers, X)
    kind = "max" if layer == "maxpool" else "average"
    return PoolProblem(plan, X, dY, kind, ties, bool(count_include_pad))


def _upstream(
    plan: Any, arrays: Mapping[str, Array], answers: Mapping[str, Array], X: Array
) -> Array:
    if "dY" in arrays:
        canonical: Array = plan.canonical_upstream(arrays["dY"])
        return canonical
    if set(answers) - {"Y"}:
        raise UsageError(
            "dY is missing: a gradient needs the upstream gradient.",
            expected=f"dY of shape {plan.output_shape}",
            remedy="give it with --upstream (dY= in Python)",
            array="dY",
        )
    return np.zeros(plan.geometry.output_shape, dtype=X.dtype)


def check_problem(
    problem: Problem, answers: Mapping[str, Array], rule: Rule, *, symbolic: bool = False
) -> ArraysReport:
    """Hold every answer against the right array and explain those that differ."""
    if not answers:
        raise UsageError(
            "There is nothing to check.",
            expected=f"your {', '.join(problem.targets[:-1])} or {problem.targets[-1]}",
            remedy="give it with --dX FILE, --dW FILE, --db FILE or --Y FILE, or in the bundle",
        )
    unknown = [name for name in answers if name not in problem.targets]
    if unknown:
        raise UsageError(f"A pool has no {unknown[0]}.", expected="dX or Y", array=unknown[0])
    reports = {
        name: check_one(problem, name, answers[name], rule, symbolic=symbolic, blind=True)
        for name in TARGETS
        if name in answers
    }
    kind = getattr(problem, "kind", None)
    layer = {None: "conv", "max": "maxpool", "average": "avgpool"}[kind]
    return ArraysReport(layer, problem.geometry.as_dict(), given_shapes(problem), reports)


def check_one(
    problem: Problem,
    target: str,
    found: Array,
    rule: Rule,
    *,
    symbolic: bool = False,
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
        comparison = compare(answer.array, right, rule, noise.at(magnitude))
        _fill(report, problem, target, comparison)
    if comparison is None or not comparison.right:
        report.verdict = "wrong"
        _explain(report, problem, answer, comparison, right, rule, noise, top)
        if symbolic:
            _add_equations(report, problem, comparison)
    finite = all(np.isfinite(array).all() for array in problem.operands().values())
    max_pool = isinstance(problem, PoolProblem) and problem.kind == "max"
    if max_pool and comparison is not None and target == "dX" and finite:
        report.notes += tie_notes(problem, answer.array.astype(np.float64), noise, top)
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
    layout = layout_of(problem, target)

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
        layout = layout_of(problem, report.name)
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
        names = axis_names(report.name, problem.geometry.dims)
        search = Search(problem, report.name, found, right64, rule, noise, top, names, mask)
        findings = explain(search)
        report.diagnosis, report.tried = findings.diagnoses, findings.tried
    if report.diagnosis:
        return
    if mask is None:
        report.where = explain_shape(problem, report.name, found, right64)
        return
    report.where = locate(problem, report.name, mask, found, right64)
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


def _add_equations(report: GradientReport, problem: Problem, comparison: Comparison | None) -> None:
    from convgrad_cli.check.symbolic import side_by_side

    if comparison is not None and comparison.worst_index is not None:
        report.equations = side_by_side(problem, report, comparison.worst_index)
