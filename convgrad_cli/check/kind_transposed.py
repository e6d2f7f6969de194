"""The transposed convolution as a kind of layer to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.check.function_series import (
    CONV,
    Case,
    Series,
    Shape,
    needed_options,
    numbers,
    numbers_of,
)
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.kind_conv import by_arrays
from convgrad_cli.check.problem_transposed import TransposedProblem
from convgrad_cli.geometry.kinds import plan_of
from convgrad_cli.geometry.transposed import plan_transposed

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.check.kind import Arrays, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry.transposed import TransposedPlan

_OPTIONS = ("stride", "padding", "dilation", "groups", "output_padding")
#: The convolution's series, and output padding where the stride leaves room for it.
SERIES = (
    *CONV[:4],
    Shape("stride 2, output padding 1", 2, 2, 3, (3, 4, 2), stride=2, output_padding=1),
    Shape("stride 3, wider than the filter", 1, 2, 3, (3, 4, 2), (2, 2, 2), stride=3),
    CONV[6],
    Shape("padding 2", 2, 3, 2, (5, 4, 4), (3, 2, 2), padding=2),
    Shape(
        "padding 1, stride 2, output padding 1",
        2,
        2,
        3,
        (3, 4, 2),
        (3, 2, 2),
        2,
        1,
        output_padding=1,
    ),
    Shape("dilation 2", 2, 2, 3, dilation=2),
    Shape("dilation 2, stride 3, padding 1", 2, 2, 3, (3, 4, 2), (3, 2, 2), 3, 1, 2),
    *CONV[11:],
)


def plan(arrays: Arrays, options: Options) -> TransposedPlan:
    """The transposed convolution's plan."""
    shapes = {name: needed(arrays, name).shape for name in ("X", "W")}
    made: TransposedPlan = plan_of("transposed", shapes, options)
    return made


def problem(made: TransposedPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The layer to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        made.check_bias(b.shape)
        b = b.reshape(-1)
    X, W = made.X.to_canonical(arrays["X"]), made.W.to_canonical(arrays["W"])
    return TransposedProblem(made, X, W, upstream(made, arrays, answers, X), b)


def cases(wanted: Series) -> list[Case]:
    """Transposed convolutions, as far as the options go."""
    return [
        _case(wanted, shape, numbers_of(seed))
        for seed, shape in enumerate(SERIES)
        if needed_options(shape) <= wanted.accepts
    ]


def _case(wanted: Series, shape: Shape, rng: np.random.Generator) -> Case:
    options = {name: getattr(shape, name) for name in _OPTIONS}
    x_shape = wanted.input_shape(shape)
    w_shape = (shape.channels, shape.filters // shape.groups, *wanted.kernel(shape))
    made = plan_transposed(x_shape, w_shape, dims=wanted.dims, **options)
    X, W, dY = (numbers(rng, s) for s in (x_shape, w_shape, made.geometry.output_shape))
    b = numbers(rng, (shape.filters,))
    return Case(shape.name, TransposedProblem(made, X, W, dY, b), options)


TRANSPOSED = Kind(
    "transposed",
    "A transposed convolution",
    plan,
    problem,
    frozenset({*_OPTIONS, "output_size"}),
    ("X", "W", "b", "dY"),
    {"arrays": by_arrays},
    frozenset(_OPTIONS),
    ("dX", "dW", "db"),
    cases,
)
