"""The two steps of a depthwise separable convolution, with the filters in the user's own ranks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.geometry import ArrayLayout

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Frame
    from convgrad_cli.geometry.separable import SeparablePlan


@dataclass(frozen=True)
class TracedStep(TracedConv):
    """One step: a convolution whose filter was given with fewer axes than a convolution's."""

    filter_axes: tuple[int, ...] = ()

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W (as it was given), b and Y."""
        frames = super().frames
        canonical = len(frames["W"].shape)
        return frames | {"W": replace(frames["W"], layout=ArrayLayout(self.filter_axes, canonical))}


def trace_separable(
    plan: SeparablePlan, depthwise_rank: int, pointwise_rank: int, *, bias: bool = False
) -> tuple[TracedStep, TracedStep]:
    """The depthwise step, whose Y is the pointwise step's X; the ranks are the filters' own."""
    full = len(plan.depthwise_shape)
    every = tuple(range(full))
    deep = every if depthwise_rank == full else (0, *every[2:])
    return (
        TracedStep(plan.depthwise, filter_axes=deep),
        TracedStep(plan.pointwise, bias, filter_axes=every[:pointwise_rank]),
    )
