"""A strided layer as a stride-1 layer over the input that is padded already (lecture 12; L11)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convgrad_cli.geometry.layer import ConvGeometry


def stride_one_geometry(geometry: ConvGeometry) -> ConvGeometry:
    """The same layer with stride 1 over the padded input; its Y has Y's entries every s-th."""
    axes = tuple(
        replace(axis, size=axis.padded, stride=1, before=0, after=0) for axis in geometry.axes
    )
    return replace(geometry, axes=axes)
