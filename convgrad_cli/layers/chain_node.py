"""What every layer of a chain is: bound to the shape that reaches it, checked when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.layers.numbers import Array

    Shape = tuple[int, ...]
    Gradients = tuple[Array, dict[str, Array]]


class Node:
    """What all layers share. ``parameters`` are the arrays a learning rate updates."""

    kind: str
    word: str
    """The layer as the user calls it: the kind, or the activation's name."""
    geometry: dict[str, object] | None = None
    plan: Any = None

    def __init__(
        self, shape: Shape, batched: bool | None, arrays: Mapping[str, Array], options: Any
    ) -> None:
        self.word = self.kind
        self.input_shape = shape
        self.output_shape = shape
        self.batched = batched
        self.parameters: dict[str, Array] = dict(arrays)
        self.options: dict[str, Any] = dict(options)
        self.prepare()

    def prepare(self) -> None:
        """Plan the layer: its output shape, and every check."""

    def forward(self, X: Array) -> Array:
        """Y."""
        raise NotImplementedError

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX, and the gradients of the parameters as ``dW``, ``db`` …"""
        raise NotImplementedError

    def notes(self, X: Array) -> list[str]:
        """What a reader should know of this input (ties, zeros under a ReLU)."""
        return []

    def _planned(self, plan: Any) -> None:
        self.plan = plan
        self.output_shape = plan.output_shape
        self.geometry = plan.geometry.as_dict()
        self.batched = 0 in plan.X.order
