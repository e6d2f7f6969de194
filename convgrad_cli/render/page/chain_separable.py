"""A separable layer on a chain's page: the two convolutions it is, one after the other (L15).

    V = conv(X, D, groups = I)     Y = conv(V, P) + b

Both are layers of the page with their own equations; the file that the page hands back has the one
layer again, its filters in the ranks they were given in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.separable import trace_separable
from convgrad_cli.layers.chain import backward, forward
from convgrad_cli.layers.chain_filtered import Conv

if TYPE_CHECKING:
    from convgrad_cli.layers.chain import Pass, Step


@dataclass(frozen=True)
class Half:
    """Which of a separable layer's convolutions a layer of the page is."""

    key: str
    """``depthwise`` or ``pointwise``: the filter's name in the chain's file."""
    whole: Step
    axes: tuple[int, ...]
    """The axes that the user's filter has of the convolution's."""


@dataclass(frozen=True)
class Shown:
    """A step as the page shows it: the chain's layer it belongs to, and what it is called."""

    step: Step
    origin: int
    called: str
    half: Half | None = None


def shown_steps(done: Pass) -> list[Shown]:
    """The pass's steps in order, each separable layer as its two convolutions."""
    found: list[Shown] = []
    for origin, step in enumerate(done.steps):
        if step.node.kind == "separable":
            found += _halves(step, origin)
        else:
            found.append(Shown(step, origin, f"{step.node.word} {origin}"))
    return found


def _halves(step: Step, origin: int) -> list[Shown]:
    """Both convolutions with what goes through them; dV passes from the second to the first."""
    node: Any = step.node
    plan, parameters = node.plan, node.parameters
    deep, point = (parameters[key] for key in ("depthwise", "pointwise"))
    dims, channels = plan.depthwise.geometry.dims, plan.depthwise.geometry.in_channels
    options = {**node.options, "dims": dims, "groups": channels}
    first = Conv(node.input_shape, node.batched, {"W": deep.reshape(plan.depthwise_shape)}, options)
    second = {"W": point.reshape(plan.pointwise_shape)}
    second |= {"b": parameters["b"]} if "b" in parameters else {}
    steps = forward(
        [first, Conv(first.output_shape, first.batched, second, {"dims": dims})], step.X
    )
    assert step.dY is not None
    backward(steps, step.dY)
    traced = trace_separable(plan, deep.ndim, point.ndim)
    return [
        Shown(each, origin, f"{key} of separable {origin}", Half(key, step, one.filter_axes))
        for key, each, one in zip(("depthwise", "pointwise"), steps, traced, strict=True)
    ]
