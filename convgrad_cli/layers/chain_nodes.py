"""The layers a chain may hold, each bound to the shape that reaches it.

A node is made from the running shape, its own arrays and its options; making it checks everything.
``batched`` says whether the first axis counts samples, None while no layer has told.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.geometry.layer import per_dimension
from convgrad_cli.geometry.separable import plan_separable
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers import activation, conv, dense, pool, separable, transposed, upsample

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


class Conv(Node):
    """A convolution."""

    kind = "conv"

    def prepare(self) -> None:
        """Plan the convolution."""
        options = {**self.options}
        if "filter_layout" in options:
            options["filter_order"] = options.pop("filter_layout")
        self._planned(plan_conv(self.input_shape, self.parameters["W"].shape, **options))
        if "b" in self.parameters:
            self.plan.check_bias(self.parameters["b"].shape)

    def forward(self, X: Array) -> Array:
        """Y = conv(X, W) + b."""
        return conv.planned_forward(self.plan, X, self.parameters["W"], self.parameters.get("b"))

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX, dW, db."""
        found = conv.planned_backward(self.plan, X, self.parameters["W"], dY)
        assert found.dX is not None
        return found.dX, _with_bias(self.parameters, found.dW, found.db)


class Transposed(Node):
    """A transposed convolution."""

    kind = "transposed"

    def prepare(self) -> None:
        """Plan the transposed convolution."""
        shape = self.parameters["W"].shape
        self._planned(plan_transposed(self.input_shape, shape, **self.options))
        if "b" in self.parameters:
            self.plan.check_bias(self.parameters["b"].shape)

    def forward(self, X: Array) -> Array:
        """Y."""
        return transposed.planned_forward(
            self.plan, X, self.parameters["W"], self.parameters.get("b")
        )

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX, dW, db."""
        found = transposed.planned_backward(self.plan, X, self.parameters["W"], dY)
        return found.dX, _with_bias(self.parameters, found.dW, found.db)


class Separable(Node):
    """A depthwise separable convolution."""

    kind = "separable"

    def prepare(self) -> None:
        """Plan both steps."""
        shapes = self.parameters["depthwise"].shape, self.parameters["pointwise"].shape
        self.plan = plan_separable(self.input_shape, *shapes, **self.options)
        if "b" in self.parameters:
            self.plan.pointwise.check_bias(self.parameters["b"].shape)
        self.output_shape = self.plan.output_shape
        self.geometry = self.plan.as_dict()
        self.batched = 0 in self.plan.depthwise.X.order

    def forward(self, X: Array) -> Array:
        """Y."""
        deep, point = self.parameters["depthwise"], self.parameters["pointwise"]
        return separable.planned_forward(self.plan, X, deep, point, self.parameters.get("b")).Y

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX, ddepthwise, dpointwise, db."""
        deep, point = self.parameters["depthwise"], self.parameters["pointwise"]
        found = separable.planned_backward(self.plan, X, deep, point, dY)
        gradients = {"ddepthwise": found.dDepthwise, "dpointwise": found.dPointwise}
        if "b" in self.parameters:
            gradients["db"] = found.db.reshape(self.parameters["b"].shape)
        return found.dX, gradients


class Activated(Node):
    """A pointwise activation; ``options["name"]`` says which."""

    kind = "activation"

    def prepare(self) -> None:
        """Look the activation up."""
        slope = self.options.get("slope", activation.LEAKY_SLOPE)
        self.word = self.options["name"]
        self.activation = activation.activation(self.options["name"], slope=slope)

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
        tied = pool.count_ties(self.plan.X.to_canonical(X), self.plan.geometry)
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


class Dense(Node):
    """A fully connected layer."""

    kind = "dense"

    def prepare(self) -> None:
        """Check that the shapes fit."""
        W = self.parameters["W"]
        self.output_shape = dense.output_shape(self.input_shape, W.shape)
        if "b" in self.parameters and self.parameters["b"].size != W.shape[0]:
            raise ShapeError(
                "b has the wrong shape.",
                expected=f"({W.shape[0]},)   one number per output",
                found=str(self.parameters["b"].shape),
                array="b",
            )
        self.batched = len(self.input_shape) == 2

    def forward(self, X: Array) -> Array:
        """Y = X Wᵀ + b."""
        return dense.forward(X, self.parameters["W"], self.parameters.get("b"))

    def backward(self, X: Array, dY: Array) -> Gradients:
        """dX, dW, db."""
        found = dense.backward(X, self.parameters["W"], dY)
        return found.dX, _with_bias(self.parameters, found.dW, found.db)


NODES: Final[dict[str, type[Node]]] = {
    node.kind: node
    for node in (Conv, Transposed, Separable, Activated, MaxPool, AvgPool, Upsample, Flatten, Dense)
}


def _with_bias(
    parameters: Mapping[str, Array], dW: Array | None, db: Array | None
) -> dict[str, Array]:
    assert dW is not None
    assert db is not None
    has_bias = "b" in parameters
    return {"dW": dW, **({"db": db.reshape(parameters["b"].shape)} if has_bias else {})}


def _window(options: dict[str, Any]) -> dict[str, Any]:
    if "window" not in options:
        raise UsageError("The pool has no window.", expected='"window": 2, or [2, 3]')
    return options
