"""The depthwise separable convolution as a kind of layer to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.check.kind import SLIDING, Kind, chosen, needed, upstream
from convgrad_cli.check.problem_separable import SeparableProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.separable import plan_separable

if TYPE_CHECKING:
    from convgrad_cli.check.function_series import Case, Series
    from convgrad_cli.check.kind import Arrays, Options
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry.separable import SeparablePlan


def plan(arrays: Arrays, options: Options) -> SeparablePlan:
    """The plan of both steps."""
    if (options.get("filter_layout") or "oihw") != "oihw":
        raise UsageError(
            "--filter-layout has no meaning here.",
            expected="the depthwise filter as (I, 1, …), the pointwise one as (O, I)",
        )
    shapes = [needed(arrays, "X").shape]
    shapes += [_filter(arrays, name).shape for name in ("depthwise", "pointwise")]
    return plan_separable(*shapes, **chosen(options, *SLIDING, "output_size"))


def _filter(arrays: Arrays, name: str) -> Array:
    if name not in arrays:
        raise UsageError(f"The {name} filter is missing.", expected=f"--{name}", array=name)
    return arrays[name]


def problem(made: SeparablePlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The layer to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        made.pointwise.check_bias(b.shape)
        b = b.reshape(-1)
    X, D, P = arrays["X"], arrays["depthwise"], arrays["pointwise"]
    dY = upstream(made.pointwise, arrays, answers, X)
    return SeparableProblem(
        made,
        made.depthwise.X.to_canonical(X),
        D.reshape(made.depthwise_shape),
        P.reshape(made.pointwise_shape),
        dY,
        b,
        (D.ndim, P.ndim),
    )


def cases(wanted: Series) -> list[Case]:
    """No series yet: there is no signature that calls such a function."""
    return []


SEPARABLE = Kind(
    "separable",
    "A separable convolution",
    plan,
    problem,
    frozenset({"stride", "padding", "dilation", "output_size"}),
    ("X", "depthwise", "pointwise", "b", "dY"),
    {},
    frozenset(),
    ("dX", "dDepthwise", "dPointwise", "db"),
    cases,
)
