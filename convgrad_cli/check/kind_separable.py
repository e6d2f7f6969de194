"""The depthwise separable convolution as a kind of layer to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_series import Case, Shape, needed_options, numbers, numbers_of
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.problem_separable import SeparableProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.kinds import plan_of
from convgrad_cli.geometry.separable import plan_separable

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.check.function_series import Series
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
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
    shapes = {"X": needed(arrays, "X").shape}
    shapes |= {name: _filter(arrays, name).shape for name in FILTERS}
    made: SeparablePlan = plan_of("separable", shapes, options)
    return made


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


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, depthwise, pointwise, dY, stride=…, padding=…, dilation=…)"""
    return [leaf[name] for name in ("X", *FILTERS, "dY")], signature.chosen(options)


FILTERS = ("depthwise", "pointwise")
_OPTIONS = ("stride", "padding", "dilation")
#: ``filters`` are the output channels, ``groups`` the depthwise filters of each channel.
SERIES = (
    Shape("one channel", filters=2),
    Shape("2 channels, 3 output channels", 1, 2, 3),
    Shape("a batch of 2", 2, 2, 3),
    Shape("as many output channels as channels", 2, 3, 3),
    Shape("stride 2, rows left over", 2, 2, 3, (7, 8, 5), stride=2),
    Shape("padding 1", 2, 2, 3, padding=1),
    Shape("padding 1, stride 2, rows left over", 2, 3, 2, (6, 7, 5), (3, 2, 2), 2, 1),
    Shape("dilation 2", 2, 2, 3, (6, 7, 5), dilation=2),
    Shape("2 filters per channel", 2, 2, 3, groups=2),
    Shape("all of these", 2, 2, 5, (9, 8, 7), (3, 2, 2), 2, 1, 2, 2),
)


def cases(wanted: Series) -> list[Case]:
    """Separable convolutions, as far as the options go."""
    return [
        _case(wanted, shape, numbers_of(seed))
        for seed, shape in enumerate(SERIES)
        if needed_options(shape) - {"groups"} <= wanted.accepts
    ]


def _case(wanted: Series, shape: Shape, rng: np.random.Generator) -> Case:
    options = {name: getattr(shape, name) for name in _OPTIONS}
    x_shape, maps = wanted.input_shape(shape), shape.channels * shape.groups
    d_shape, p_shape = (maps, 1, *wanted.kernel(shape)), (shape.filters, maps)
    made = plan_separable(x_shape, d_shape, p_shape, dims=wanted.dims, **options)
    X, D, P, b = (numbers(rng, s) for s in (x_shape, d_shape, p_shape, (shape.filters,)))
    dY = numbers(rng, made.pointwise.geometry.output_shape)
    P = P.reshape(made.pointwise_shape)
    layer = SeparableProblem(made, X, D, P, dY, b, (len(d_shape), len(p_shape)))
    return Case(shape.name, layer, options)


SEPARABLE = Kind(
    "separable",
    "A separable convolution",
    plan,
    problem,
    frozenset({*_OPTIONS, "output_size"}),
    ("X", *FILTERS, "b", "dY"),
    {"arrays": by_arrays},
    frozenset(_OPTIONS),
    ("dX", "dDepthwise", "dPointwise", "db"),
    cases,
)
