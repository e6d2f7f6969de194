"""Upsampling as a kind of layer to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_series import Case, Series, numbers, numbers_of
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.problem_upsample import UpsampleProblem
from convgrad_cli.geometry.kinds import plan_of
from convgrad_cli.geometry.upsample import plan_upsample

if TYPE_CHECKING:
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry.upsample import UpsamplePlan

#: Lead (N, C), size and scale, growing.
SERIES = (
    ("one channel, twice", (1, 1), (2, 3, 2), 2),
    ("2 samples, 3 channels", (2, 3), (3, 2, 2), 2),
    ("three times", (1, 2), (2, 4, 3), 3),
    ("once: nothing to do", (2, 1), (3, 4, 2), 1),
)


def plan(arrays: Arrays, options: Options) -> UpsamplePlan:
    """Upsampling's plan."""
    made: UpsamplePlan = plan_of("upsample", {"X": needed(arrays, "X").shape}, options)
    return made


def problem(made: UpsamplePlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """The upsampling to check; dY may be missing where only Y is checked."""
    X = made.X.to_canonical(arrays["X"])
    return UpsampleProblem(made, X, upstream(made, arrays, answers, X))


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, dY, stride), the scale by its name where the function has one"""
    if "stride" in signature.keywords:
        return [leaf["X"], leaf["dY"]], signature.chosen(options)
    return [leaf["X"], leaf["dY"], options["stride"]], {}


def cases(wanted: Series) -> list[Case]:
    """Upsamplings."""
    found = []
    mode = wanted.chosen.get("mode") or "nearest"
    for seed, (name, lead, size, scale) in enumerate(SERIES):
        shape = (*lead, *size[: wanted.dims])
        made = plan_upsample(shape, scale, mode, dims=wanted.dims)
        rng = numbers_of(seed)
        X, dY = numbers(rng, shape), numbers(rng, made.geometry.output_shape)
        found.append(Case(name, UpsampleProblem(made, X, dY), {"stride": scale}))
    return found


UPSAMPLE = Kind(
    "upsample",
    "Upsampling",
    plan,
    problem,
    frozenset({"stride", "mode"}),
    ("X", "dY"),
    {"arrays": by_arrays},
    frozenset({"stride"}),
    ("dX",),
    cases,
)
