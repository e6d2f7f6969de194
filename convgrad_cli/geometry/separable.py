"""The depthwise separable convolution's geometry (lecture 12, "Depth-wise convolution").

Two convolutions in a row: a depthwise one (groups = I, one K×K filter per input channel) gives V,
then a pointwise one (1×1) mixes the channels. With I channels in and O out it has

    I·O + I·K·K      weights, where one convolution with O filters has      I·O·K·K

and both counts times the output positions are the multiply-adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import ShapeError
from convgrad_cli.geometry.planning import plan_conv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry.plan import ConvPlan


@dataclass(frozen=True)
class Counts:
    """Weights and multiply-adds of the separable layer and of the plain convolution it replaces."""

    conventional_weights: int
    depthwise_weights: int
    pointwise_weights: int
    conventional_multiply_adds: int
    depthwise_multiply_adds: int
    pointwise_multiply_adds: int

    @property
    def separable_weights(self) -> int:
        """I·O + I·K·K."""
        return self.depthwise_weights + self.pointwise_weights

    @property
    def separable_multiply_adds(self) -> int:
        """Of both steps."""
        return self.depthwise_multiply_adds + self.pointwise_multiply_adds

    def as_dict(self) -> dict[str, dict[str, int]]:
        """``parameters`` and ``multiply_adds``, each conventional, depthwise, pointwise, both."""
        return {
            "parameters": {
                "conventional": self.conventional_weights,
                "depthwise": self.depthwise_weights,
                "pointwise": self.pointwise_weights,
                "separable": self.separable_weights,
            },
            "multiply_adds": {
                "conventional": self.conventional_multiply_adds,
                "depthwise": self.depthwise_multiply_adds,
                "pointwise": self.pointwise_multiply_adds,
                "separable": self.separable_multiply_adds,
            },
        }


@dataclass(frozen=True)
class SeparablePlan:
    """The plans of the two steps; ``shapes`` of the filters as those plans read them."""

    depthwise: ConvPlan
    pointwise: ConvPlan
    depthwise_shape: tuple[int, ...]
    pointwise_shape: tuple[int, ...]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of Y in the user's rank and layout."""
        return self.pointwise.output_shape

    @property
    def counts(self) -> Counts:
        """Parameters and multiply-adds side by side, biases left out."""
        deep, point = self.depthwise.geometry, self.pointwise.geometry
        conventional = deep.in_channels * point.out_channels * prod(deep.kernel)
        positions = point.batch * prod(point.output_size)
        return Counts(
            conventional,
            prod(deep.filter_shape),
            prod(point.filter_shape),
            conventional * positions,
            deep.multiply_adds,
            point.multiply_adds,
        )

    def as_dict(self) -> dict[str, object]:
        """The contract's ``geometry`` object, of the depthwise step, and the channels."""
        return {
            **self.depthwise.geometry.as_dict(),
            "in_channels": self.depthwise.geometry.in_channels,
            "out_channels": self.pointwise.geometry.out_channels,
        }


def plan_separable(
    x_shape: Sequence[int],
    depthwise_shape: Sequence[int],
    pointwise_shape: Sequence[int],
    *,
    layout: str = "nchw",
    **options: Any,
) -> SeparablePlan:
    """The plan of X (I, *in) with a depthwise filter and a pointwise one.

    Depthwise: (I, *kernel), (I·m, 1, *kernel) for m filters per channel, in 2-D unless ``dims``
    says otherwise. Pointwise: (O, I·m), or with axes of size 1 after. ``options``: stride, padding,
    dilation, dims, output_size. Raises ShapeError or GeometryError.
    """
    dims = options.get("dims") or 2
    if len(x_shape) not in (dims + 1, dims + 2):
        raise ShapeError(
            "A separable convolution needs an X with a channel axis.",
            expected=f"(C, ...) or (N, C, ...) with {dims} spatial dimensions",
            found=str(tuple(x_shape)),
            array="X",
            remedy="say the number of spatial dimensions with --dims",
        )
    channels = x_shape[-1] if layout == "nhwc" else x_shape[len(x_shape) - dims - 1]
    deep_shape = _depthwise_shape(depthwise_shape, channels, dims)
    deep = plan_conv(
        x_shape, deep_shape, **{**options, "groups": channels, "layout": layout, "dims": dims}
    )
    point_shape = _pointwise_shape(pointwise_shape, deep_shape[0], dims)
    point = plan_conv(deep.output_shape, point_shape, dims=dims, layout=layout)
    return SeparablePlan(deep, point, deep_shape, point_shape)


def _depthwise_shape(shape: Sequence[int], channels: int, dims: int) -> tuple[int, ...]:
    found = tuple(shape)
    full = (found[0], 1, *found[1:]) if len(found) == dims + 1 else found
    if len(full) != dims + 2 or full[1] != 1 or 0 in full or full[0] % channels:
        raise ShapeError(
            "The depthwise filter has the wrong shape.",
            expected=f"({channels}, 1, ...): one filter for each of X's {channels} channels, "
            f"{dims} spatial dimensions",
            found=str(found),
            array="depthwise",
        )
    return full


def _pointwise_shape(shape: Sequence[int], middle: int, dims: int) -> tuple[int, ...]:
    found = tuple(shape)
    if not 2 <= len(found) <= dims + 2 or found[1] != middle or set(found[2:]) - {1} or 0 in found:
        raise ShapeError(
            "The pointwise filter has the wrong shape.",
            expected=f"(O, {middle}): a weight from each of the {middle} depthwise maps to each "
            "output",
            found=str(found),
            array="pointwise",
        )
    return (*found[:2], *(1,) * dims)
