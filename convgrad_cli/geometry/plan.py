"""Plans: a frozen geometry plus the layouts of the arrays around it, and who may go with it.

A plan is made from shapes alone (:mod:`convgrad_cli.geometry.planning` for convolutions and
pools); it is what refuses an upstream gradient or a bias of another layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import ShapeError
from convgrad_cli.geometry.suggest import fitting_options
from convgrad_cli.geometry.wording import one_or_each, sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry.layer import ConvGeometry, PoolGeometry
    from convgrad_cli.geometry.ranks import ArrayLayout

    Shape = Sequence[int]


@dataclass(frozen=True)
class Plan:
    """What every layer's plan has: its geometry and how X and Y are laid out."""

    geometry: Any
    X: ArrayLayout
    Y: ArrayLayout

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of Y in the user's rank and layout."""
        return self.Y.given_shape(self.geometry.output_shape)

    def canonical_upstream(self, dY: Any) -> Any:
        """dY with canonical axes (a view); Y's shape, or with leading 1s added or removed.

        Raises ShapeError, naming the stride and padding that would fit where one does.
        """
        self.check_upstream(dY.shape)
        return self.Y.to_canonical(dY.reshape(self.output_shape))

    def check_upstream(self, shape: Shape) -> None:
        """Raise ShapeError unless ``shape`` is Y's, up to leading 1s."""
        if _without_leading_ones(shape) != _without_leading_ones(self.output_shape):
            raise self.wrong_upstream(tuple(shape))

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not Y's shape; each layer says what Y's shape comes from."""
        return ShapeError(
            "dY has the wrong shape.",
            expected=str(self.output_shape),
            found=str(found),
            array="dY",
        )


@dataclass(frozen=True)
class ConvPlan(Plan):
    """A convolution's plan."""

    geometry: ConvGeometry
    W: ArrayLayout

    def check_bias(self, shape: Shape) -> None:
        """Raise ShapeError unless b holds one number per filter: (K,), up to axes of size 1."""
        check_bias(shape, self.geometry.out_channels, "filter")

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not Y's shape."""
        W = self.W.given_shape(self.geometry.filter_shape)
        return _wrong_upstream(self, f"W {W}", found)


@dataclass(frozen=True)
class PoolPlan(Plan):
    """A pool's plan."""

    geometry: PoolGeometry

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not Y's shape."""
        return _wrong_upstream(self, f"window {one_or_each(self.geometry.kernel)}", found)


def check_bias(shape: Shape, count: int, each: str) -> None:
    """Raise ShapeError unless b holds ``count`` numbers, one per ``each``: up to axes of size 1."""
    if [size for size in shape if size != 1] != [count] * (count != 1):
        raise ShapeError(
            "b has the wrong shape.",
            expected=f"({count},)   one number per {each}",
            found=str(tuple(shape)),
            array="b",
        )


def _without_leading_ones(shape: Shape) -> tuple[int, ...]:
    """The shape up to leading axes of size 1, which a dY may have more or fewer of."""
    sizes = tuple(shape)
    while sizes and sizes[0] == 1:
        sizes = sizes[1:]
    return sizes


def _wrong_upstream(plan: ConvPlan | PoolPlan, slid: str, found: tuple[int, ...]) -> ShapeError:
    """What Y's shape comes from, ``slid`` over X, and the options that give the shape found."""
    geometry = plan.geometry
    spatial = _spatial_part(plan, found)
    fits = fitting_options(geometry.axes, spatial) if spatial else None
    x_shape = plan.X.given_shape(geometry.input_shape)
    dilated = set(geometry.dilation) != {1}
    return ShapeError(
        "dY has the wrong shape.",
        expected=f"{plan.output_shape}   from X {x_shape}, {slid}, "
        f"stride {one_or_each(geometry.stride)}, padding {sides(geometry.padding)}"
        + (f", dilation {one_or_each(geometry.dilation)}" if dilated else ""),
        found=str(found),
        remedy=f"pass the options of the forward pass: this dY fits {fits}"
        if fits
        else "pass the stride and padding of the forward pass, or a dY of the output's shape",
        array="dY",
    )


def _spatial_part(plan: Plan, found: tuple[int, ...]) -> tuple[int, ...] | None:
    """The spatial sizes of a dY of which everything else fits, else None."""
    if len(found) != len(plan.Y.order):
        return None
    expected = plan.geometry.output_shape
    canonical = plan.Y.canonical_shape(found)
    return canonical[2:] if canonical[:2] == tuple(expected[:2]) else None
