"""A chain's layers without parameters: activations, pools, upsampling, flatten."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.geometry import plan_pool
from convgrad_cli.geometry.layer import per_dimension
from convgrad_cli.layers import activation, pool, pool_planes, upsample
from convgrad_cli.layers.chain_node import Node

if TYPE_CHECKING:
    from convgrad_cli.layers.chain_node import Gradients
    from convgrad_cli.layers.numbers import Array


class Activated(Node):
    """A pointwise activation; ``options["name"]`` says which."""

    kind = "activation"

    def prepare(self) -> None:
        """Look the activation up."""
        self.word = self.options["name"]
        self.activation = activation.activation(self.word, slope=self.options.get("slope"))

    def forward(self, X: Array) -> Array:
        """A = σ(z)."""
        return activation.forward(self.activation, X)

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dz = dA ∘ σ′(z)."""
        return activation.grad_input(self.activation, X, dY), {}

    def notes(self, X: Array) -> list[str]:
        """Where σ has no derivative."""
        note = activation.kink_note(self.activation, X)
        return [note] if note else []


class MaxPool(Node):
    """A max pool."""

    kind = "maxpool"

    def prepare(self) -> None:
        """Plan the pool."""
        options = {**self.options}
        self.ties = options.pop("ties", "first")
        if self.ties not in ("first", "last", "split"):
            raise UsageError(
                f"Unknown tie rule {self.ties!r}.", expected="one of first, last, split"
            )
        self._planned(plan_pool(self.input_shape, **_window(options)))

    def forward(self, X: Array) -> Array:
        """Y."""
        return pool.planned_max(self.plan, X, self.ties).Y

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX: each window's gradient to its maximum."""
        return pool.planned_max_backward(self.plan, X, dY, self.ties), {}

    def notes(self, X: Array) -> list[str]:
        """Ties."""
        tied = pool_planes.count_ties(self.plan.X.to_canonical(X), self.plan.geometry)
        windows = "1 window has" if tied == 1 else f"{tied} windows have"
        return [f"{windows} more than one maximum (ties: {self.ties})."] if tied else []


class AvgPool(Node):
    """An average pool."""

    kind = "avgpool"

    def prepare(self) -> None:
        """Plan the pool."""
        options = {**self.options}
        self.counting = bool(options.pop("count_include_pad", False))
        self._planned(plan_pool(self.input_shape, **_window(options)))

    def forward(self, X: Array) -> Array:
        """Y."""
        return pool.planned_avg(self.plan, X, count_include_pad=self.counting)

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX: each window's gradient in equal shares."""
        return (
            pool.planned_avg_backward(self.plan, dY, count_include_pad=self.counting),
            {},
        )


class Upsample(Node):
    """Nearest-neighbour or zero-insertion upsampling of the last axes."""

    kind = "upsample"

    def prepare(self) -> None:
        """Find the scale per axis."""
        self.mode = self.options.get("mode", "nearest")
        if self.mode not in upsample.UPSAMPLINGS:
            raise UsageError(
                f"Unknown upsampling {self.mode!r}.",
                expected=f"one of {', '.join(upsample.UPSAMPLINGS)}",
            )
        dims = self.options.get("dims", min(2, len(self.input_shape)))
        self.scale = per_dimension(self.options.get("scale", 2), dims, "scale")
        if dims > len(self.input_shape):
            raise ShapeError("X has too few axes to be upsampled.", found=str(self.input_shape))
        self.size = self.input_shape[len(self.input_shape) - dims :]
        grown = self.forward(np.zeros(self.input_shape, np.int8))
        self.output_shape = grown.shape

    def forward(self, X: Array) -> Array:
        """Y."""
        if self.mode == "nearest":
            return upsample.nearest(X, self.scale)
        return upsample.zeros(X, self.scale)

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX."""
        if self.mode == "nearest":
            return upsample.grad_nearest(dY, self.scale), {}
        return upsample.grad_zeros(dY, self.scale, self.size), {}


class Flatten(Node):
    """Everything but the samples in one axis; all of it where there is no batch axis."""

    kind = "flatten"

    def prepare(self) -> None:
        """Whether the first axis counts samples: as the layers before said, else from rank 4 on."""
        keep = self.batched if self.batched is not None else len(self.input_shape) >= 4
        self.batched = keep
        if keep:
            self.output_shape = (self.input_shape[0], prod(self.input_shape[1:]))
        else:
            self.output_shape = (prod(self.input_shape),)

    def forward(self, X: Array) -> Array:
        """The same numbers in one row per sample."""
        return X.reshape(self.output_shape)

    def backward(self, X: Array, dY: Array) -> Gradients:
        """The same numbers in X's shape."""
        return dY.reshape(X.shape), {}


def _window(options: dict[str, Any]) -> dict[str, Any]:
    if "window" not in options:
        raise UsageError("The pool has no window.", expected='"window": 2, or [2, 3]')
    return options
