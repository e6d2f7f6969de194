"""A command's result: what was computed, in the contract's envelope, and its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.output import emit
from convgrad_cli.errors import VerificationError
from convgrad_cli.render.result import Result

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions
    from convgrad_cli.geometry import ConvPlan, Geometry, Plan, PoolPlan

_LAYOUT_DEFAULTS = {"layout": "nchw", "filter_layout": "oihw"}


def conv_result(
    operation: str,
    plan: ConvPlan,
    given: Given,
    arrays: dict[str, Any],
    *,
    upstream: Any = None,
) -> Result:
    """The envelope of a convolution's result."""
    shapes = {"input": given["X"].shape, "filter": given["W"].shape}
    if upstream is not None:
        shapes["upstream"] = upstream.shape
    return Result(
        operation=operation,
        geometry=plan.geometry.as_dict() | _layouts(given),
        arrays=arrays,
        shapes=shapes,
        notes=list(given.notes),
    )


def pool_result(
    operation: str,
    plan: PoolPlan,
    given: Given,
    arrays: dict[str, Any],
    geometry: dict[str, Any],
    *,
    upstream: Any = None,
) -> Result:
    """The envelope of a pool's result."""
    shapes = {"input": given["X"].shape}
    if upstream is not None:
        shapes["upstream"] = upstream.shape
    return Result(
        operation=operation,
        geometry=plan.geometry.as_dict() | geometry | _layouts(given),
        arrays=arrays,
        shapes=shapes,
        notes=list(given.notes),
    )


def finish(
    result: Result,
    given: Given,
    plan: Plan,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    *,
    targets: tuple[str, ...],
    upstream: Any = None,
) -> None:
    """Add the derivation where asked, write everything, and fail if the verification did."""
    if symbolic.symbolic:
        from convgrad_cli.cli.derive import symbolic_result

        symbolic_result(result, given, plan, symbolic, targets=targets, upstream=upstream)
    emit(result, output, inputs=given.sources)
    raise_if_not_verified(result)


def raise_if_not_verified(result: Result) -> None:
    """Raise VerificationError where ``--verify`` found a difference; the result is out by then."""
    if result.verify is not None and not result.verify["passed"]:
        raise VerificationError(
            "The verification failed: the result and the independent route differ.",
            found=f"a deviation of {result.verify['largest_deviation']}",
            remedy="this is a bug in convgrad; please report it with the arrays",
        )


def unreached_note(geometry: Geometry) -> str | None:
    """Which input positions no window reaches, in words; None where every one is reached."""
    names = {1: ("positions",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}
    parts = [
        f"{name} {_ranges(axis.unreached)}"
        for name, axis in zip(names[geometry.dims], geometry.axes, strict=True)
        if axis.unreached
    ]
    if not parts:
        return None
    return f"No window reaches the input's {' and '.join(parts)}: the gradient there is 0."


def _ranges(positions: tuple[int, ...]) -> str:
    """``4``, ``3, 5–7``: positions from 0 with runs joined."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


def _layouts(given: Given) -> dict[str, Any]:
    """The layouts other than the usual ones, so that a result read back means the same."""
    return {
        key: given.options[key]
        for key, usual in _LAYOUT_DEFAULTS.items()
        if given.options.get(key) not in (None, usual)
    }
