"""The convolution as a kind of layer to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_series import conv_cases
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.geometry import plan_conv
from convgrad_cli.geometry.kinds import conv_keywords

if TYPE_CHECKING:
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import ConvPlan


def plan(arrays: Arrays, options: Options) -> ConvPlan:
    """The convolution's plan."""
    shapes = needed(arrays, "X").shape, needed(arrays, "W").shape
    return plan_conv(*shapes, **conv_keywords(options))


def problem(made: ConvPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The convolution to check; dY may be missing where only Y is checked."""
    b = arrays.get("b")
    if b is not None:
        made.check_bias(b.shape)
        b = b.reshape(-1)
    X, W = made.X.to_canonical(arrays["X"]), made.W.to_canonical(needed(arrays, "W"))
    return ConvProblem(made, X, W, upstream(made, arrays, answers, X), b)


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, W, dY, stride=…, padding=…, dilation=…, groups=…)"""
    return [leaf["X"], leaf["W"], leaf["dY"]], signature.chosen(options)


def by_cache(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(dout, (x, w, b, {"stride", "pad"}))"""
    settings = {"dict": {"stride": options["stride"], "pad": options["padding"]}}
    return [leaf["dY"], {"tuple": [leaf["X"], leaf["W"], leaf["b"], settings]}], {}


CONV = Kind(
    "conv",
    "A convolution",
    plan,
    problem,
    frozenset({"stride", "padding", "dilation", "groups", "output_size", "filter_layout"}),
    ("X", "W", "b", "dY"),
    {"arrays": by_arrays, "cs231n": by_cache, "dlai": by_cache},
    frozenset({"stride", "padding", "dilation", "groups"}),
    ("dX", "dW", "db"),
    conv_cases,
)
