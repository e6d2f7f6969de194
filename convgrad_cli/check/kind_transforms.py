"""A convolution of one filter under several transforms as a kind of layer to check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_series import CONV as CONV_SHAPES
from convgrad_cli.check.function_series import Case, needed_options, numbers, numbers_of
from convgrad_cli.check.kind import needed, upstream
from convgrad_cli.check.kind_conv import CONV
from convgrad_cli.check.problem_transforms import TransformsProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.kinds import conv_keywords
from convgrad_cli.geometry.transforms import plan_transforms, transform_names

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.check.function_series import Series, Shape
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry.transforms import TransformedPlan


def chosen_transforms(options: Options) -> tuple[str, ...]:
    """The transforms asked for. Raises UsageError for bad ones, or beside an activation."""
    if options.get("activation") is not None:
        raise UsageError("Transforms and an activation are checked one at a time.")
    return transform_names(options["transforms"])


def plan(arrays: Arrays, options: Options) -> TransformedPlan:
    """The plan of every map."""
    names = chosen_transforms(options)
    shapes = needed(arrays, "X").shape, needed(arrays, "W").shape
    return plan_transforms(*shapes, names, **conv_keywords(options))


def problem(made: TransformedPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The maps to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        made.check_bias(b.shape)
        b = b.reshape(-1)
    X, W = made.X.to_canonical(arrays["X"]), made.W.to_canonical(arrays["W"])
    return TransformsProblem(made, X, W, upstream(made, arrays, answers, X), b)


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, W, dY, transforms=…, stride=…, …), dY with the maps after its samples."""
    return [leaf["X"], leaf["W"], leaf["dY"]], signature.chosen(options)


def cases(wanted: Series) -> list[Case]:
    """The convolutions' series with square filters, every one under the same transforms."""
    names = chosen_transforms(wanted.chosen)
    if wanted.dims != 2:
        raise UsageError("Transforms are of 2-D filters.", found=f"--dims {wanted.dims}")
    if "scale2" in names and len(names) > 1:
        raise UsageError(
            "A function is not tried on scale2 beside other transforms.",
            expected="scale2 alone, or transforms that keep the filter's size",
            found=",".join(names),
            remedy="the maps stack with padding 'same' only: run the function yourself and give "
            "its results to convgrad check arrays --padding same",
        )
    return [
        _case(replace(wanted, square=True), shape, names, numbers_of(seed))
        for seed, shape in enumerate(CONV_SHAPES)
        if needed_options(shape) <= wanted.accepts
    ]


def _case(wanted: Series, shape: Shape, names: tuple[str, ...], rng: np.random.Generator) -> Case:
    options: dict[str, Any]
    options = {name: getattr(shape, name) for name in ("stride", "padding", "dilation", "groups")}
    batch, channels, *size = wanted.input_shape(shape)
    if names == ("scale2",):  # room for a filter twice as large
        size = [n + shape.dilation * shape.kernel[0] for n in size]
    x_shape = (batch, channels, *size)
    w_shape = (shape.filters, channels // shape.groups, *wanted.kernel(shape))
    made = plan_transforms(x_shape, w_shape, names, **options)
    X, W, dY = (numbers(rng, s) for s in (x_shape, w_shape, made.geometry.output_shape))
    problem = TransformsProblem(made, X, W, dY, numbers(rng, (shape.filters,)))
    return Case(shape.name, problem, {**options, "transforms": list(names)})


TRANSFORMED = replace(
    CONV,
    article="A convolution under transforms",
    plan=plan,
    problem=problem,
    takes=CONV.takes | {"transforms", "activation", "slope"},
    calls={"arrays": by_arrays},
    accepts=CONV.accepts | {"transforms"},
    cases=cases,
)
