"""``check arrays``: are these gradients right, and if not, which mistake is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.compare import Rule, choose_rule
from convgrad_cli.check.problem import ConvProblem, PoolProblem, Problem
from convgrad_cli.check.report import ArraysReport
from convgrad_cli.check.shapes import given_shapes
from convgrad_cli.check.verdict import check_one
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.layers.numbers import numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import ConvPlan, Padding, PoolPlan

LAYERS = ("conv", "maxpool", "avgpool")
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
    notation = "slides" if symbolic else None
    return check_problem(problem, answers, choose_rule(rule, rtol, atol), notation=notation)


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
    problem: Problem, answers: Mapping[str, Array], rule: Rule, *, notation: str | None = None
) -> ArraysReport:
    """Hold every answer against the right array and explain those that differ.

    With a ``notation``, the worst element's equation is written out in it, right and as the
    mistake has it.
    """
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
        name: check_one(problem, name, answers[name], rule, notation=notation, blind=True)
        for name in TARGETS
        if name in answers
    }
    kind = getattr(problem, "kind", None)
    layer = {None: "conv", "max": "maxpool", "average": "avgpool"}[kind]
    return ArraysReport(layer, problem.geometry.as_dict(), given_shapes(problem), reports)
