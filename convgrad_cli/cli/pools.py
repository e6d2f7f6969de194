"""``convgrad maxpool`` and ``convgrad avgpool``: forward, and backward where dY is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.options import (
    CountPadOption,
    OnlyOption,
    OutputOptions,
    PoolArrays,
    PoolOptions,
    SymbolicOptions,
    TiesOption,
    VerifyOption,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.geometry import PoolPlan

TIES = ("first", "last", "split")


def register(app: typer.Typer) -> None:
    """Add the two commands."""
    command(app, "maxpool", example="convgrad maxpool -x X.npy -g dY.npy --window 3 --stride 2")(
        maxpool
    )
    command(app, "avgpool", example="convgrad avgpool -x X.npy -g dY.npy --window 2")(avgpool)


def maxpool(
    arrays: PoolArrays,
    options: PoolOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    ties: TiesOption = None,
    only: OnlyOption = None,
    verify: VerifyOption = False,
) -> None:
    """Max pool: output, switches and gradient.

    The switches say where in its plane each maximum was; dX comes where dY is given.
    """
    from convgrad_cli.check.verify import verify_max_pool
    from convgrad_cli.cli.inputs import gather, only_bundles_of, pool_plan
    from convgrad_cli.cli.memory import ensure_fits
    from convgrad_cli.errors import UsageError
    from convgrad_cli.layers.pool_planes import count_ties, max_backward, max_forward

    given = gather(arrays, options, {"ties": ties})
    only_bundles_of(given, "maxpool")
    plan = pool_plan(given)
    rule = given.options.get("ties") or "first"
    if rule not in TIES:
        raise UsageError(f"Unknown tie rule {rule!r}.", expected=f"one of {', '.join(TIES)}")
    ensure_fits(plan.output_shape, 8, "Y")
    X = plan.X.to_canonical(given["X"])
    Y, switches = max_forward(X, plan.geometry, rule)
    if tied := count_ties(X, plan.geometry):
        given.notes.append(_ties_note(tied, rule))
    _emit_pool(
        "maxpool",
        plan,
        given,
        {"Y": Y, "switches": switches},
        lambda dY: max_backward(X, dY, plan.geometry, rule),
        lambda dY, dX: verify_max_pool(X, dY, dX, plan.geometry, rule),
        (output, symbolic, only, verify),
        {"ties": rule},
    )


def avgpool(
    arrays: PoolArrays,
    options: PoolOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    count_include_pad: CountPadOption = None,
    only: OnlyOption = None,
    verify: VerifyOption = False,
) -> None:
    """Average pool: output and gradient.

    dX comes where dY is given.
    """
    from convgrad_cli.check.verify import verify_average_pool
    from convgrad_cli.cli.inputs import gather, only_bundles_of, pool_plan
    from convgrad_cli.cli.memory import ensure_fits
    from convgrad_cli.layers.pool_planes import avg_backward, avg_forward

    given = gather(arrays, options, {"count_include_pad": count_include_pad})
    only_bundles_of(given, "avgpool")
    plan = pool_plan(given)
    counting = bool(given.options.get("count_include_pad"))
    ensure_fits(plan.output_shape, 8, "Y")
    X = plan.X.to_canonical(given["X"])
    _emit_pool(
        "avgpool",
        plan,
        given,
        {"Y": avg_forward(X, plan.geometry, count_include_pad=counting)},
        lambda dY: avg_backward(dY, plan.geometry, count_include_pad=counting),
        lambda dY, dX: verify_average_pool(dY, dX, plan.geometry, count_include_pad=counting),
        (output, symbolic, only, verify),
        {"count_include_pad": counting},
    )


def _emit_pool(
    name: str,
    plan: PoolPlan,
    given: Any,
    found: dict[str, Any],
    backward: Any,
    verifier: Any,
    asked: tuple[OutputOptions, SymbolicOptions, str | None, bool],
    geometry: dict[str, Any],
) -> None:
    """Compute dX where dY is given, and write what was asked for."""
    from convgrad_cli.cli import words
    from convgrad_cli.cli.inputs import upstream
    from convgrad_cli.cli.results import finish, pool_result, unreached_note
    from convgrad_cli.errors import UsageError

    output, symbolic, only, verify = asked
    dY = upstream(given, plan) if "dY" in given else None
    names = (*found, "dX") if dY is not None else tuple(found)
    wanted = words.names(only, names, "--only") if only else names
    arrays = {key: plan.Y.from_canonical(found[key]) for key in found if key in wanted}
    verdict = None
    if dY is None and verify:
        raise UsageError("--verify checks dX, and there is no upstream gradient.", remedy="give -g")
    if dY is not None and "dX" in wanted:
        canonical = plan.canonical_upstream(dY)
        dX = given.locating(lambda: backward(canonical))
        arrays["dX"] = plan.X.from_canonical(dX)
        verdict = verifier(canonical, dX).as_dict() if verify else None
        if note := unreached_note(plan.geometry):
            given.notes.append(note)
    step = "backward" if dY is not None else "forward"
    result = pool_result(f"{name}_{step}", plan, given, arrays, geometry, upstream=dY)
    result.verify = verdict
    targets = ("dX",) if dY is not None else ("Y",)
    finish(result, given, plan, output, symbolic, targets=targets, upstream=dY)


def _ties_note(tied: int, rule: str) -> str:
    windows = "1 window has" if tied == 1 else f"{tied} windows have"
    goes = {
        "first": "goes to the first in row-major order",
        "last": "goes to the last in row-major order",
        "split": "is split evenly among them",
    }[rule]
    return f"Ties: {windows} more than one maximum; the gradient {goes} (--ties {rule})."
