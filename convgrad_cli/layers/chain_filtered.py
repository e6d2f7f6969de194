"""A chain's layers with parameters: convolutions of every kind, and the fully connected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.errors import ShapeError
from convgrad_cli.geometry import plan_conv
from convgrad_cli.geometry.separable import plan_separable
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers import conv, dense, separable, transposed
from convgrad_cli.layers.chain_node import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.layers.chain_node import Gradients
    from convgrad_cli.layers.numbers import Array


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


def _with_bias(
    parameters: Mapping[str, Array], dW: Array | None, db: Array | None
) -> dict[str, Array]:
    assert dW is not None
    assert db is not None
    has_bias = "b" in parameters
    return {"dW": dW, **({"db": db.reshape(parameters["b"].shape)} if has_bias else {})}
