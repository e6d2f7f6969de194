"""A layer as the pictures take it: its plan, its arrays, and how its entries are named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.activation import TracedActivation
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.dense import TracedUpsample
from convgrad_cli.derivation.model import Frame
from convgrad_cli.derivation.pool import TracedAvgPool, TracedMaxPool
from convgrad_cli.derivation.transposed import TracedTransposed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.geometry import Plan
    from convgrad_cli.layers.activation import Activation


@dataclass(frozen=True)
class Layer:
    """A layer to look at. ``arrays`` holds X, dY and perhaps W and b in the user's own rank; for a
    figure the results (Y, dX, dW, db, switches) too.

    An activation holds Y (its input z), A and σ′(Y) as ``derivative``, dA and dY. So does a
    convolution with an ``activation``, beside its own arrays: its dY is dA ∘ σ′(Y).
    """

    kind: str
    """``conv``, ``maxpool``, ``avgpool``, ``transposed``, ``activation`` or ``upsample``."""
    plan: Plan
    arrays: Mapping[str, np.ndarray[Any, Any]]
    notation: Notation
    ties: str = "first"
    count_include_pad: bool = False
    activation: Activation | None = None

    @property
    def traced(self) -> Traced:
        """The layer as the tracer sees it."""
        return _TRACERS[self.kind](self)

    @property
    def pointwise(self) -> Layer:
        """The activation alone, of an activation or of a convolution that has one."""
        own = ("Y", "A", "derivative", "dA", "dY")
        arrays = {name: self.arrays[name] for name in own if name in self.arrays}
        return replace(self, kind="activation", arrays=arrays)


def _conv(layer: Layer) -> Traced:
    return TracedConv(layer.plan, bias="b" in layer.arrays)  # type: ignore[arg-type]


def _transposed(layer: Layer) -> Traced:
    return TracedTransposed(layer.plan, bias="b" in layer.arrays)  # type: ignore[arg-type]


def _maxpool(layer: Layer) -> Traced:
    plan: Any = layer.plan
    return TracedMaxPool(plan, plan.X.to_canonical(layer.arrays["X"]), layer.ties)


def _avgpool(layer: Layer) -> Traced:
    return TracedAvgPool(layer.plan, layer.count_include_pad)  # type: ignore[arg-type]


def _upsample(layer: Layer) -> Traced:
    g = layer.plan.geometry
    return TracedUpsample(g.input_shape, g.scale, g.mode == "nearest", layer.plan.X)


def _activation(layer: Layer) -> Traced:
    g = layer.plan.geometry
    assert layer.activation is not None
    frame = Frame(g.output_shape, "nc" + "s" * g.dims, layer.plan.Y)
    return TracedActivation(layer.activation.name, frame)


_TRACERS: dict[str, Callable[[Layer], Traced]] = {
    "conv": _conv,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "transposed": _transposed,
    "activation": _activation,
    "upsample": _upsample,
}
