"""Activations as a kind of layer to check: alone, and after a convolution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.function_series import Case, Series, conv_cases, numbers, numbers_of
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.kind_conv import CONV
from convgrad_cli.check.problem_activated import ActivatedProblem
from convgrad_cli.check.problem_activation import ActivationProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.kinds import plan_of
from convgrad_cli.geometry.pointwise import plan_pointwise
from convgrad_cli.layers import activation as layers

if TYPE_CHECKING:
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import ConvPlan
    from convgrad_cli.geometry.pointwise import PointwisePlan
    from convgrad_cli.layers.activation import Activation


def chosen_activation(options: Options) -> tuple[Activation, float]:
    """The activation asked for, and leaky-relu's slope. Raises UsageError for none or a bad one."""
    name, slope = options.get("activation"), options.get("slope")
    if name is None:
        raise UsageError("Which activation is it?", expected="--activation NAME, such as relu")
    if slope is None:
        return layers.activation(name), layers.LEAKY_SLOPE
    if name != "leaky-relu":
        raise UsageError("--slope is leaky-relu's.", found=f"--slope {slope} with {name}")
    return layers.activation(name, slope=slope), float(slope)


def plan(arrays: Arrays, options: Options) -> PointwisePlan:
    """The plan for z."""
    chosen_activation(options)
    made: PointwisePlan = plan_of("activation", {"X": needed(arrays, "X").shape}, options)
    return made


def problem(made: PointwisePlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The activation to check; dA may be missing where only A is checked."""
    Z = made.X.to_canonical(arrays["X"])
    dA = upstream(made, arrays, answers, Z)
    return ActivationProblem(made, Z, dA, *chosen_activation(options))


def activated(made: ConvPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """A convolution with an activation; a missing bias is 0."""
    conv: Any = CONV.problem(made, arrays, answers, options)
    return ActivatedProblem(made, conv.X, conv.W, conv.dY, conv.b, *chosen_activation(options))


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(Z, dA, slope=…)"""
    return [leaf["Z"], leaf["dA"]], signature.chosen(options)


def by_cache(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(dA, Z): the courses' relu_backward(dout, cache), whose cache is z."""
    return [leaf["dA"], leaf["Z"]], {}


def with_bias(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, W, b, dA, stride=…, padding=…, dilation=…, groups=…)"""
    return [leaf["X"], leaf["W"], leaf["b"], leaf["dA"]], signature.chosen(options)


#: z of growing shapes; "zeros" has 0 among them, "large" what a naive formula overflows at.
SERIES = (
    ("a few numbers", (1, 1), ""),
    ("2 samples, 3 channels", (2, 3), ""),
    ("z = 0 among them", (1, 2), "zeros"),
    ("large |z|", (1, 1), "large"),
)
SIZES = (4, 5, 3)
LARGE = (-800.0, 800.0, -30.0, 30.0, -2.5, 1.5)


def cases(wanted: Series) -> list[Case]:
    """An activation's layers."""
    sigma, slope = chosen_activation(wanted.chosen)
    found = []
    for seed, (name, lead, kind) in enumerate(SERIES):
        shape = (*lead, *SIZES[: wanted.dims])
        made = plan_pointwise(shape, dims=wanted.dims)
        rng = numbers_of(seed)
        Z = rng.integers(1, 13, shape) * rng.choice([-1, 1], shape) / 4.0
        if kind == "zeros":
            Z = np.where(rng.random(shape) < 0.4, 0.0, Z)
        elif kind == "large":
            Z = np.resize(LARGE, shape)
        options = {"slope": slope} if sigma.name == "leaky-relu" else {}
        one = ActivationProblem(made, Z, numbers(rng, shape), sigma, slope)
        found.append(Case(name, one, options))
    return found


def activated_cases(wanted: Series) -> list[Case]:
    """The convolutions' series, its numbers small enough for σ not to be in its tails."""
    sigma, slope = chosen_activation(wanted.chosen)
    found = []
    for case in conv_cases(wanted):
        conv: Any = case.problem
        arrays = (conv.X / 16, conv.W / 16, conv.dY, conv.b / 16, sigma, slope)
        options = dict(case.options) | ({"slope": slope} if sigma.name == "leaky-relu" else {})
        found.append(Case(case.name, ActivatedProblem(conv.plan, *arrays), options))
    return found


ACTIVATION = Kind(
    "activation",
    "An activation",
    plan,
    problem,
    frozenset({"activation", "slope"}),
    ("X", "dY"),
    {"arrays": by_arrays, "cs231n": by_cache, "dlai": by_cache},
    frozenset({"slope"}),
    ("dZ",),
    cases,
    upstream="dA",
)
ACTIVATED = replace(
    CONV,
    article="A convolution with an activation",
    problem=activated,
    takes=CONV.takes | {"activation", "slope"},
    calls={"arrays": with_bias},
    accepts=CONV.accepts | {"slope"},
    cases=activated_cases,
    upstream="dA",
)
CONV_OR_ACTIVATED = replace(CONV, activated=ACTIVATED)
