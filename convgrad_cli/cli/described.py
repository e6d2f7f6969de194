"""How a result tells its layer: the contract's ``geometry`` object, and the fields beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.layers.activation import Activation
    from convgrad_cli.tracing import PlannedLayer

    Described = tuple[dict[str, Any], dict[str, Any]]


def layer_described(layer: PlannedLayer) -> Described:
    """The ``geometry`` of a layer of any kind, and its further fields: activation, maps, counts."""
    from convgrad_cli.tracing.activation import activation_of

    plan, options = layer.plan, layer.options
    match layer.kind.name:
        case "conv":
            return conv_described(plan, activation_of(options), options.get("padding"))
        case "activation":
            chosen = activation_of(options, needed=True)
            return {}, named_activation(chosen)
        case "upsample":
            shape = plan.geometry
            return {"dims": shape.dims, "stride": list(shape.scale)}, {"mode": shape.mode}
        case "separable":
            return plan.as_dict(), {"counts": plan.counts.as_dict()}
    return plan.geometry.as_dict(), {}


def conv_described(plan: Any, activation: Activation | None, padding: Any) -> Described:
    """A convolution, perhaps with an activation, perhaps under transforms; padding as given."""
    from convgrad_cli.geometry.transforms import TransformedPlan

    geometry: dict[str, Any] = plan.geometry.as_dict()
    extra = {} if activation is None else named_activation(activation)
    if isinstance(plan, TransformedPlan):
        maps = plan.geometry
        # Each map has its own padding, so the word that was given says more than the numbers.
        geometry.pop("padding", None)
        extra["transforms"] = list(maps.names)
        if padding is not None:
            extra["padding"] = padding
        extra["maps"] = [
            {"transform": name, "kernel": list(each.kernel), "padding": each.padding}
            for name, each in zip(maps.names, maps.maps, strict=True)
        ]
    return geometry, extra


def named_activation(chosen: Any) -> dict[str, Any]:
    """The activation as a result tells it and a bundle gives it: its name, leaky-relu's slope."""
    if chosen.name != "leaky-relu":
        return {"activation": chosen.name}
    return {"activation": chosen.name, "slope": 1.0 if chosen.kink is None else chosen.kink}
