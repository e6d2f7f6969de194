"""A convolution of one filter under several transforms as a kind of layer to check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from convgrad_cli.check.kind import SLIDING, chosen, needed, upstream
from convgrad_cli.check.kind_conv import CONV
from convgrad_cli.check.problem_transforms import TransformsProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.transforms import plan_transforms, transform_names

if TYPE_CHECKING:
    from convgrad_cli.check.kind import Arrays, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry.transforms import TransformedPlan


def plan(arrays: Arrays, options: Options) -> TransformedPlan:
    """The plan of every map."""
    if options.get("activation") is not None:
        raise UsageError("Transforms and an activation are checked one at a time.")
    keywords = chosen(options, *SLIDING, "groups", "output_size")
    if options.get("filter_layout") is not None:
        keywords["filter_order"] = options["filter_layout"]
    names = transform_names(options["transforms"])
    shapes = needed(arrays, "X").shape, needed(arrays, "W").shape
    return plan_transforms(*shapes, names, **keywords)


def problem(made: TransformedPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The maps to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        made.check_bias(b.shape)
        b = b.reshape(-1)
    X, W = made.X.to_canonical(arrays["X"]), made.W.to_canonical(arrays["W"])
    return TransformsProblem(made, X, W, upstream(made, arrays, answers, X), b)


TRANSFORMED = replace(
    CONV,
    article="A convolution under transforms",
    plan=plan,
    problem=problem,
    takes=CONV.takes | {"transforms", "activation", "slope"},
    calls={},
)
