"""Max and average pools as kinds of layer to check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_series import pool_cases
from convgrad_cli.check.kind import Kind, needed, upstream
from convgrad_cli.check.problem_pool import PoolProblem
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import plan_pool
from convgrad_cli.geometry.kinds import pool_keywords

if TYPE_CHECKING:
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.kind import Arrays, Leaves, Options
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import PoolPlan

TIES = ("first", "last", "split")


def plan(arrays: Arrays, options: Options) -> PoolPlan:
    """The pool's plan."""
    keywords = pool_keywords(options)
    return plan_pool(needed(arrays, "X").shape, **keywords)


def problem(made: PoolPlan, arrays: Arrays, answers: Arrays, options: Options) -> PoolProblem:
    """A max pool to check. Raises UsageError for an unknown tie rule."""
    ties = options.get("ties") or "first"
    if ties not in TIES:
        raise UsageError(f"Unknown tie rule {ties!r}.", expected=f"one of {', '.join(TIES)}")
    X = made.X.to_canonical(arrays["X"])
    dY = upstream(made, arrays, answers, X)
    return PoolProblem(made, X, dY, "max", ties, bool(options.get("count_include_pad")))


def average(made: PoolPlan, arrays: Arrays, answers: Arrays, options: Options) -> Problem:
    """An average pool to check."""
    return replace(problem(made, arrays, answers, options), kind="average")


def by_arrays(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(X, dY, window, stride=…, padding=…, dilation=…)"""
    sizes, kwargs = options["window"], signature.chosen(options)
    window = sizes[0] if signature.whole_window else {"tuple": list(sizes)}
    if "window" in signature.keywords:
        return [leaf["X"], leaf["dY"]], {signature.keywords["window"]: window, **kwargs}
    return [leaf["X"], leaf["dY"], window], kwargs


def by_cs231n(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(dout, (x, {"pool_height", "pool_width", "stride"}))"""
    window = options["window"]
    names = ("pool_height", "pool_width") if len(window) == 2 else ("pool_size",)
    settings = {**dict(zip(names, window, strict=False)), "stride": options["stride"]}
    return _cached(signature, leaf, settings)


def by_dlai(
    signature: Signature, options: Options, leaf: Leaves
) -> tuple[list[Any], dict[str, Any]]:
    """(dA, (A_prev, {"f", "stride"}), mode)"""
    return _cached(signature, leaf, {"f": options["window"][0], "stride": options["stride"]})


def _cached(
    signature: Signature, leaf: Leaves, settings: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    mode = {"maxpool": "max", "avgpool": "average"}[signature.layer]
    kwargs = {"mode": mode} if "mode" in signature.keywords else {}
    return [leaf["dY"], {"tuple": [leaf["X"], {"dict": settings}]}], kwargs


MAXPOOL = Kind(
    "maxpool",
    "A pool",
    plan,
    problem,
    frozenset(
        {"window", "stride", "padding", "dilation", "ceil_mode", "ties", "count_include_pad"}
    ),
    ("X", "dY"),
    {"arrays": by_arrays, "cs231n": by_cs231n, "dlai": by_dlai},
    frozenset({"stride", "padding", "dilation"}),
    ("dX",),
    pool_cases,
)
AVGPOOL = replace(MAXPOOL, name="avgpool", problem=average)
