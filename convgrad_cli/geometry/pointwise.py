"""The geometry of a pointwise layer: its output has the shape of its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convgrad_cli.errors import ShapeError
from convgrad_cli.geometry.plan import Plan
from convgrad_cli.geometry.ranks import input_layout

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class PointwiseGeometry:
    """Planes of which every element is treated by itself."""

    batch: int
    channels: int
    size: tuple[int, ...]

    @property
    def dims(self) -> int:
        """Number of spatial dimensions."""
        return len(self.size)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Spatial size of the input."""
        return self.size

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial size of the output."""
        return self.size

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *size)."""
        return (self.batch, self.channels, *self.size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, C, *size)."""
        return self.input_shape


@dataclass(frozen=True)
class PointwisePlan(Plan):
    """A pointwise layer's plan."""

    geometry: PointwiseGeometry

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not the input's shape."""
        return ShapeError(
            "dA has the wrong shape.",
            expected=f"{self.output_shape}   the shape of z",
            found=str(found),
            array="dY",
        )


def plan_pointwise(
    shape: Sequence[int], *, dims: int | None = None, layout: str = "nchw"
) -> PointwisePlan:
    """The plan for an input of ``shape``; which axes are spatial only decides what a plane is.

    Raises ShapeError for more axes than samples, channels and three dimensions, or an empty one.
    """
    dims = {1: 1, 5: 3}.get(len(shape), 2) if dims is None else dims
    if dims not in (1, 2, 3) or not dims <= len(shape) <= dims + 2 or 0 in shape:
        raise ShapeError(
            "z has the wrong rank for a picture.",
            expected=f"rank {dims}, {dims + 1} or {dims + 2}, no axis empty",
            found=str(tuple(shape)),
            array="X",
            remedy="say the number of spatial dimensions with --dims",
        )
    layout_of = input_layout(len(shape), dims, layout)
    batch, channels, *size = layout_of.canonical_shape(shape)
    return PointwisePlan(PointwiseGeometry(batch, channels, tuple(size)), layout_of, layout_of)
