"""The layers of ``figure`` and ``explore``: how each is planned, what it holds, what it gives.

A further layer is one more entry of ``KINDS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.layer import Layer

    Arrays = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of layer."""

    called: str
    """The layer in a sentence: ``a convolution``."""
    plan: Callable[[Given], Plan]
    arrays: Callable[[Given, Any], Arrays]
    """What stands before the layer's own results: X, W, b, dY …"""
    results: Callable[[Layer], Arrays]


def _conv_plan(given: Given) -> Plan:
    from convgrad_cli.cli.inputs import conv_plan

    return conv_plan(given)


def _conv_arrays(given: Given, plan: Any) -> Arrays:
    """X, W, b and dY; with an activation also z = Y, A = σ(z), dA, and dY = dA ∘ σ′(z)."""
    from convgrad_cli.cli.inputs import upstream
    from convgrad_cli.layers import conv

    chosen = activation_of(given)
    arrays = _filtered(given)
    if chosen is None:
        return arrays | {"dY": upstream(given, plan)}
    dA = upstream(given, plan, "A")
    bias = arrays.get("b")
    Y = given.locating(lambda: conv.planned_forward(plan, arrays["X"], arrays["W"], bias))
    return arrays | _through(given, chosen, Y, dA)


def _conv_results(layer: Layer) -> Arrays:
    from convgrad_cli.layers import conv

    a, plan = layer.arrays, layer.plan
    gradients = conv.planned_backward(plan, a["X"], a["W"], a["dY"])  # type: ignore[arg-type]
    Y = conv.planned_forward(plan, a["X"], a["W"], a.get("b"))  # type: ignore[arg-type]
    return {"Y": Y, **gradients._asdict()}


def _transposed_plan(given: Given) -> Plan:
    from convgrad_cli.cli.transposed import plan_of

    plan: Plan = plan_of(given)
    return plan


def _transposed_arrays(given: Given, plan: Any) -> Arrays:
    from convgrad_cli.cli.inputs import upstream

    return _filtered(given) | {"dY": upstream(given, plan)}


def _transposed_results(layer: Layer) -> Arrays:
    from convgrad_cli.layers import transposed

    a, plan = layer.arrays, layer.plan
    gradients = transposed.planned_backward(plan, a["X"], a["W"], a["dY"])  # type: ignore[arg-type]
    Y = transposed.planned_forward(plan, a["X"], a["W"], a.get("b"))  # type: ignore[arg-type]
    return {"Y": Y, **gradients._asdict()}


def _pool_plan(given: Given) -> Plan:
    from convgrad_cli.cli.inputs import pool_plan

    return pool_plan(given)


def _plain_arrays(given: Given, plan: Any) -> Arrays:
    from convgrad_cli.cli.inputs import upstream

    return {"X": given["X"], "dY": upstream(given, plan)}


def _maxpool_results(layer: Layer) -> Arrays:
    from convgrad_cli.layers import pool

    a, plan = layer.arrays, layer.plan
    Y, switches = pool.planned_max(plan, a["X"], layer.ties)  # type: ignore[arg-type]
    dX = pool.planned_max_backward(plan, a["X"], a["dY"], layer.ties)  # type: ignore[arg-type]
    return {"Y": Y, "switches": switches, "dX": dX}


def _avgpool_results(layer: Layer) -> Arrays:
    from convgrad_cli.layers import pool

    a, plan = layer.arrays, layer.plan
    counting: dict[str, Any] = {"count_include_pad": layer.count_include_pad}
    return {
        "Y": pool.planned_avg(plan, a["X"], **counting),  # type: ignore[arg-type]
        "dX": pool.planned_avg_backward(plan, a["dY"], **counting),  # type: ignore[arg-type]
    }


def _activation_plan(given: Given) -> Plan:
    return _plan("activation", given)


def _activation_arrays(given: Given, plan: Any) -> Arrays:
    from convgrad_cli.cli.inputs import upstream

    return _through(given, activation_of(given), given["X"], upstream(given, plan, "A"))


def _upsample_plan(given: Given) -> Plan:
    return _plan("upsample", given)


def _plan(kind: str, given: Given) -> Plan:
    from convgrad_cli.geometry.kinds import plan_of

    shape = given["X"].shape
    return given.locating(lambda: plan_of(kind, {"X": shape}, given.options))  # type: ignore[no-any-return]


def _upsample_results(layer: Layer) -> Arrays:
    from convgrad_cli.layers import upsample

    plan, g = layer.plan, layer.plan.geometry
    X, dY = plan.X.to_canonical(layer.arrays["X"]), plan.Y.to_canonical(layer.arrays["dY"])
    if g.mode == "nearest":
        Y, dX = upsample.nearest(X, g.scale), upsample.grad_nearest(dY, g.scale)
    else:
        Y, dX = upsample.zeros(X, g.scale), upsample.grad_zeros(dY, g.scale, g.input_size)
    return {"Y": plan.Y.from_canonical(Y), "dX": plan.X.from_canonical(dX)}


def activation_of(given: Given) -> Any:
    """The activation that was asked for, or None."""
    from convgrad_cli.tracing.activation import activation_of as of

    return of(given.options)


def _filtered(given: Given) -> Arrays:
    """X, W and b, b flat."""
    arrays = {name: given[name] for name in ("X", "W")}
    return arrays | ({"b": given["b"].reshape(-1)} if "b" in given else {})


def _through(given: Given, chosen: Any, Z: Any, dA: Any) -> Arrays:
    """z, A, σ′(z), dA and dz of an activation."""
    from convgrad_cli.layers import activation

    if note := activation.kink_note(chosen, Z):
        given.notes.append(note)
    return {
        "Y": Z,
        "A": activation.forward(chosen, Z),
        "derivative": activation.derivative(chosen, Z),
        "dA": dA,
        "dY": activation.grad_input(chosen, Z, dA),
    }


KINDS = {
    "conv": Kind("a convolution", _conv_plan, _conv_arrays, _conv_results),
    "maxpool": Kind("a max pool", _pool_plan, _plain_arrays, _maxpool_results),
    "avgpool": Kind("an average pool", _pool_plan, _plain_arrays, _avgpool_results),
    "transposed": Kind(
        "a transposed convolution", _transposed_plan, _transposed_arrays, _transposed_results
    ),
    "activation": Kind("an activation", _activation_plan, _activation_arrays, lambda layer: {}),
    "upsample": Kind("upsampling", _upsample_plan, _plain_arrays, _upsample_results),
}
