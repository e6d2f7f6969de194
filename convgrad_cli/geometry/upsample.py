"""Upsampling's geometry: that of the pool which leads from its Y back to its X.

    nearest   Y[i] = X[i // s]               windows of s, stride s, over Y
    zeros     Y[i*s] = X[i], 0 between       windows of 1, stride s, over Y

As with a transposed convolution, every statement about it is one about the layer underneath: its
dX is that one's forward (the sum over each window), its forward that one's dX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.geometry.axis import Axis
from convgrad_cli.geometry.layer import per_dimension
from convgrad_cli.geometry.plan import Plan
from convgrad_cli.geometry.ranks import input_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

UPSAMPLINGS = ("nearest", "zeros")


@dataclass(frozen=True)
class UpsampleGeometry:
    """Upsampling of every plane; ``axes`` are those of the windows over Y, one for each X."""

    batch: int
    channels: int
    axes: tuple[Axis, ...]
    mode: str

    @property
    def dims(self) -> int:
        """Number of spatial dimensions."""
        return len(self.axes)

    @property
    def scale(self) -> tuple[int, ...]:
        """How many times as large, per dimension."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Spatial size of X."""
        return tuple(axis.output for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial size of Y."""
        return tuple(axis.size for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *in)."""
        return (self.batch, self.channels, *self.input_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, C, *out)."""
        return (self.batch, self.channels, *self.output_size)


@dataclass(frozen=True)
class UpsamplePlan(Plan):
    """Upsampling's plan."""

    geometry: UpsampleGeometry

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not Y's shape."""
        given = self.X.given_shape(self.geometry.input_shape)
        return ShapeError(
            "dY has the wrong shape.",
            expected=f"{self.output_shape}   the upsampled X {given} by {self.geometry.scale}",
            found=str(found),
            array="dY",
        )


def plan_upsample(
    shape: Sequence[int],
    scale: int | Sequence[int] = 2,
    mode: str = "nearest",
    *,
    dims: int | None = None,
    layout: str = "nchw",
) -> UpsamplePlan:
    """The plan for X of ``shape``: two dimensions unless told otherwise or X has but one.

    Raises UsageError for an unknown mode, ShapeError for a rank that does not fit, GeometryError
    for a scale that is none.
    """
    if mode not in UPSAMPLINGS:
        raise UsageError(
            f"Unknown upsampling {mode!r}.", expected=f"one of {', '.join(UPSAMPLINGS)}"
        )
    dims = min(2, len(shape)) if dims is None else dims
    if dims not in (1, 2, 3) or not dims <= len(shape) <= dims + 2 or 0 in shape:
        raise ShapeError(
            "X has the wrong rank to be upsampled.",
            expected=f"rank {dims}, {dims + 1} or {dims + 2}, no axis empty",
            found=str(tuple(shape)),
            array="X",
            remedy="say the number of spatial dimensions with --dims",
        )
    times = per_dimension(scale, dims, "scale")
    X = input_layout(len(shape), dims, layout)
    batch, channels, *size = X.canonical_shape(shape)
    nearest = mode == "nearest"
    axes = tuple(
        Axis(n * s if nearest else (n - 1) * s + 1, s if nearest else 1, s, 0, 0, 1)
        for n, s in zip(size, times, strict=True)
    )
    return UpsamplePlan(UpsampleGeometry(batch, channels, axes, mode), X, X)
