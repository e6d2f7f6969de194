"""A chain of layers (L17): forward through all, then every dX is the upstream of the layer before.

    X -> layer 0 -> layer 1 -> … -> loss        dY of layer i  =  dX of layer i + 1

Diba, fig. 1, and lecture 12: dq of one layer is what the layer before it differentiates. The nodes
are in :mod:`convgrad_cli.layers.chain_nodes`; this file only passes arrays along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convgrad_cli.errors import ShapeError
from convgrad_cli.layers.loss import Loss, loss
from convgrad_cli.layers.update import descend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.layers.chain_nodes import Node
    from convgrad_cli.layers.numbers import Array


@dataclass(frozen=True)
class Ending:
    """What the last output runs into: a loss with its target, or an upstream gradient.

    ``assumed`` where nothing was said and L = ΣY is taken.
    """

    name: str = "sum"
    target: Array | None = None
    upstream: Array | None = None
    assumed: bool = False


@dataclass
class Step:
    """One layer's share of a pass: what went in, what came out, and the gradients of both."""

    node: Node
    X: Array
    Y: Array
    dY: Array | None = None
    dX: Array | None = None
    gradients: dict[str, Array] = field(default_factory=dict)
    updated: dict[str, Array] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Pass:
    """A whole pass: the steps in order and the loss, where there is one."""

    steps: list[Step]
    loss: Loss | None
    ending: Ending

    @property
    def Y(self) -> Array:
        """The last layer's output."""
        return self.steps[-1].Y


def forward(nodes: Sequence[Node], X: Array) -> list[Step]:
    """Every layer's output, in order."""
    steps = []
    for node in nodes:
        Y = node.forward(X)
        steps.append(Step(node, X, Y, notes=node.notes(X)))
        X = Y
    return steps


def backward(steps: Sequence[Step], dY: Array) -> None:
    """Fill in every layer's gradients, last layer first; the dX of one is the dY of the next."""
    for step in reversed(steps):
        step.dY = dY
        step.dX, step.gradients = step.node.backward(step.X, dY)
        dY = step.dX


def run(
    nodes: Sequence[Node], X: Array, ending: Ending, *, learning_rate: float | None = None
) -> Pass:
    """Forward, loss, backward and, with a learning rate, one update of every parameter."""
    steps = forward(nodes, X)
    Y = steps[-1].Y
    if ending.upstream is not None:
        if ending.upstream.shape != Y.shape:
            raise ShapeError(
                "The upstream gradient has the wrong shape.",
                expected=f"{Y.shape}   the shape of the last layer's output",
                found=str(ending.upstream.shape),
                array="dY",
            )
        found, dY = None, ending.upstream
    else:
        found = loss(ending.name, Y, ending.target)
        dY = found.gradient
    backward(steps, dY)
    if learning_rate is not None:
        for step in steps:
            step.updated = {
                name: descend(value, step.gradients[f"d{name}"], learning_rate)
                for name, value in step.node.parameters.items()
            }
    return Pass(steps, found, ending)
