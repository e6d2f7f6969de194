"""The tracer of each layer of a chain, with the numbers that went through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.cli.options import SymbolicOptions
    from convgrad_cli.layers.chain import Step

_PARAMETRIC = ("dW", "dX", "db")


def step_derivations(step: Step, symbolic: SymbolicOptions) -> dict[str, Any]:
    """The layer's equations with the chain's numbers in them, by JSON field; a separable layer has
    those of both its steps."""
    from convgrad_cli.cli.layer_output import derivation_of

    if step.node.kind == "separable":
        return _separable(step, symbolic)
    traced, values, targets = traced_step(step)
    return {"derivation": derivation_of(traced, targets, values, symbolic)}


def _separable(step: Step, symbolic: SymbolicOptions) -> dict[str, Any]:
    from convgrad_cli.cli.layer_output import stage_derivations
    from convgrad_cli.tracing.stages import separable_stages

    parameters = step.node.parameters
    arrays = {"X": step.X, "dY": step.dY, **parameters}
    ranks = [parameters[name].ndim for name in ("depthwise", "pointwise")]
    bias = "b" in parameters
    targets = ("dD", "dX", "dP", "dV", *(("db",) if bias else ()))
    stages = separable_stages(step.node.plan, arrays, ranks=ranks, bias=bias)
    return stage_derivations(stages, targets, symbolic)


def traced_step(step: Step) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """The step's layer as Traced, its arrays by name, and the targets: every gradient.

    For layers of one tracer, that is all but a separable one.
    """
    values = {"X": step.X, "dY": step.dY}
    for name in ("W", "b"):
        if name in step.node.parameters:
            values[name] = step.node.parameters[name]
    traced, own, targets = _TRACERS[step.node.kind](step, values)
    return traced, own, targets


def _targets(step: Step) -> tuple[str, ...]:
    has_bias = "b" in step.node.parameters
    return tuple(t for t in _PARAMETRIC if t != "db" or has_bias)


def _conv(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation import TracedConv

    return TracedConv(step.node.plan, "b" in values), values, _targets(step)


def _transposed(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation.transposed import TracedTransposed

    return TracedTransposed(step.node.plan, "b" in values), values, _targets(step)


def _activation(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.tracing.activation import plain_frame, traced_activation

    node: Any = step.node
    traced = traced_activation(node.activation, plain_frame(step.X.shape))
    return traced, {"Y": step.X, "dA": step.dY}, ("dY",)


def _maxpool(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation import TracedMaxPool

    plan = step.node.plan
    ties = step.node.ties  # type: ignore[attr-defined]
    return TracedMaxPool(plan, plan.X.to_canonical(step.X), ties), values, ("dX",)


def _avgpool(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation import TracedAvgPool

    counting = step.node.counting  # type: ignore[attr-defined]
    return TracedAvgPool(step.node.plan, counting), values, ("dX",)


def _upsample(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation.dense import TracedUpsample

    node: Any = step.node
    return TracedUpsample(step.X.shape, node.scale, node.mode == "nearest"), values, ("dX",)


def _flatten(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation.dense import TracedFlatten

    return TracedFlatten(step.X.shape, step.Y.shape), values, ("dX",)


def _dense(step: Step, values: dict[str, Any]) -> Any:
    from convgrad_cli.derivation.dense import TracedDense

    return TracedDense(step.X.shape, values["W"].shape, "b" in values), values, _targets(step)


_TRACERS: dict[str, Callable[[Step, dict[str, Any]], Any]] = {
    "conv": _conv,
    "transposed": _transposed,
    "activation": _activation,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "upsample": _upsample,
    "flatten": _flatten,
    "dense": _dense,
}
